#include "optim/adamw.h"

#include "absl/strings/str_cat.h"

namespace mae {

AdamW::AdamW(const std::vector<ParamGroup>& groups, const OptimizerOptions& options)
    : Optimizer(groups), beta1_(options.beta1), beta2_(options.beta2), epsilon_(options.epsilon) {
  for (const auto& group : groups) {
    Moments& moments = moments_.emplace_back();
    for (const auto& [name, parameter] : group.parameters) {
      moments.exp_avgs.push_back(torch::zeros_like(parameter, torch::requires_grad(false)));
      moments.exp_avg_sqs.push_back(torch::zeros_like(parameter, torch::requires_grad(false)));
      moments.steps.push_back(torch::zeros({}, torch::device(parameter.device()).dtype(torch::kFloat32)));
    }
  }
}

AdamW::Due AdamW::DueOf(size_t group) const {
  const Moments& own = moments_[group];
  Due due;
  for (size_t i = 0; i < own.steps.size(); ++i) {
    const auto& parameter = groups()[group].parameters[i].second;
    if (!parameter.grad().defined()) continue;
    due.parameters.push_back(parameter);
    due.gradients.push_back(parameter.grad());
    due.moments.exp_avgs.push_back(own.exp_avgs[i]);
    due.moments.exp_avg_sqs.push_back(own.exp_avg_sqs[i]);
    due.moments.steps.push_back(own.steps[i]);
  }
  return due;
}

void AdamW::StepGroup(size_t group, double learning_rate) {
  Due due = DueOf(group);
  if (due.parameters.empty()) return;
  at::_foreach_add_(due.moments.steps, 1);
  at::_fused_adamw_(due.parameters, due.gradients, due.moments.exp_avgs, due.moments.exp_avg_sqs,
                    /*max_exp_avg_sqs=*/{}, due.moments.steps, learning_rate, beta1_, beta2_,
                    groups()[group].weight_decay, epsilon_, /*amsgrad=*/false, /*maximize=*/false);
}

void AdamW::StepOnDevice(const torch::Tensor& learning_rate, const torch::Tensor& skip) {
  const torch::NoGradGuard no_grad;
  for (size_t g = 0; g < moments_.size(); ++g) {
    Due due = DueOf(g);
    if (due.parameters.empty()) continue;
    const double scale = groups()[g].learning_rate_scale;
    const auto rate = scale == 1.0 ? learning_rate : learning_rate * scale;
    at::_foreach_add_(due.moments.steps, 1.0 - skip);
    at::_fused_adamw_(due.parameters, due.gradients, due.moments.exp_avgs, due.moments.exp_avg_sqs,
                      /*max_exp_avg_sqs=*/{}, due.moments.steps, rate, beta1_, beta2_,
                      groups()[g].weight_decay, epsilon_, /*amsgrad=*/false, /*maximize=*/false,
                      /*grad_scale=*/{}, /*found_inf=*/skip);
  }
  if (ema() != nullptr) ema()->UpdateUnless(skip);
}

NamedParameters AdamW::OwnState() const {
  NamedParameters state;
  for (size_t g = 0; g < moments_.size(); ++g) {
    for (size_t i = 0; i < moments_[g].steps.size(); ++i) {
      const auto& name = groups()[g].parameters[i].first;
      state.emplace_back(absl::StrCat(name, ".exp_avg"), moments_[g].exp_avgs[i]);
      state.emplace_back(absl::StrCat(name, ".exp_avg_sq"), moments_[g].exp_avg_sqs[i]);
      state.emplace_back(absl::StrCat(name, ".step"), moments_[g].steps[i]);
    }
  }
  return state;
}

}  // namespace mae
