#include "optim/adamw.h"

namespace mae {

void AdamW::StepOnDevice(const torch::Tensor& learning_rate, const torch::Tensor& skip) {
  const torch::NoGradGuard no_grad;
  for (size_t g = 0; g < moments_.size(); ++g) {
    const ParamGroup& group = groups()[g];
    std::vector<torch::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
    for (size_t i = 0; i < group.parameters.size(); ++i) {
      const auto& parameter = group.parameters[i].second;
      if (!parameter.grad().defined()) continue;
      parameters.push_back(parameter);
      gradients.push_back(parameter.grad());
      exp_avgs.push_back(moments_[g].exp_avgs[i]);
      exp_avg_sqs.push_back(moments_[g].exp_avg_sqs[i]);
      steps.push_back(moments_[g].steps[i]);
    }
    if (parameters.empty()) continue;
    const auto rate =
        group.learning_rate_scale == 1.0 ? learning_rate : learning_rate * group.learning_rate_scale;
    at::_foreach_add_(steps, 1.0 - skip);
    at::_fused_adamw_(parameters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps, rate,
                      beta1_, beta2_, group.weight_decay, epsilon_, /*amsgrad=*/false, /*maximize=*/false,
                      /*grad_scale=*/{}, /*found_inf=*/skip);
  }
}

}  // namespace mae
