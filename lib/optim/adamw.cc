#include "optim/adamw.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/torch_status.h"

namespace mae {

AdamW::AdamW(const std::vector<ParamGroup>& groups, const OptimizerOptions& options)
    : beta1_(options.beta1), beta2_(options.beta2), epsilon_(options.epsilon) {
  for (const auto& from : groups) {
    Group& group = groups_.emplace_back();
    group.weight_decay = from.weight_decay;
    for (const auto& [name, parameter] : from.parameters) {
      group.names.push_back(name);
      group.parameters.push_back(parameter);
      group.exp_avgs.push_back(torch::zeros_like(parameter, torch::requires_grad(false)));
      group.exp_avg_sqs.push_back(torch::zeros_like(parameter, torch::requires_grad(false)));
      group.steps.push_back(torch::zeros({}, torch::device(parameter.device()).dtype(torch::kFloat32)));
    }
  }
}

void AdamW::Step(double learning_rate) {
  torch::NoGradGuard no_grad;
  for (auto& group : groups_) StepGroup(group, learning_rate);
}

void AdamW::StepGroup(Group& group, double learning_rate) {
  std::vector<torch::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
  for (size_t i = 0; i < group.parameters.size(); ++i) {
    const auto& gradient = group.parameters[i].grad();
    if (!gradient.defined()) continue;
    parameters.push_back(group.parameters[i]);
    gradients.push_back(gradient);
    exp_avgs.push_back(group.exp_avgs[i]);
    exp_avg_sqs.push_back(group.exp_avg_sqs[i]);
    steps.push_back(group.steps[i]);
  }
  if (parameters.empty()) return;
  at::_foreach_add_(steps, 1);
  at::_fused_adamw_(parameters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps,
                    learning_rate, beta1_, beta2_, group.weight_decay, epsilon_, /*amsgrad=*/false,
                    /*maximize=*/false);
}

void AdamW::ZeroGrad() {
  for (auto& group : groups_) {
    for (auto& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

std::vector<torch::Tensor> AdamW::Gradients() const {
  std::vector<torch::Tensor> gradients;
  for (const auto& group : groups_) {
    for (const auto& parameter : group.parameters) {
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    }
  }
  return gradients;
}

NamedParameters AdamW::State() const {
  NamedParameters state;
  for (const auto& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      state.emplace_back(absl::StrCat(group.names[i], ".exp_avg"), group.exp_avgs[i]);
      state.emplace_back(absl::StrCat(group.names[i], ".exp_avg_sq"), group.exp_avg_sqs[i]);
      state.emplace_back(absl::StrCat(group.names[i], ".step"), group.steps[i]);
    }
  }
  return state;
}

absl::Status AdamW::LoadState(const NamedParameters& state) {
  std::map<std::string, const torch::Tensor*> by_name;
  for (const auto& [name, tensor] : state) by_name.emplace(name, &tensor);
  std::vector<std::string> faults;
  std::vector<std::pair<torch::Tensor, const torch::Tensor*>> copies;
  for (const auto& [name, own] : State()) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      faults.push_back(absl::StrCat(name, " is missing"));
    } else if (found->second->sizes() != own.sizes()) {
      faults.push_back(absl::StrCat(name, " has shape [", absl::StrJoin(found->second->sizes(), ","),
                                    "], not [", absl::StrJoin(own.sizes(), ","), "]"));
    } else {
      copies.emplace_back(own, found->second);
    }
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer state does not fit the model: ", absl::StrJoin(faults, "; ")));
  }
  return CatchTorch("loading optimizer state", [&copies] {
    torch::NoGradGuard no_grad;
    for (auto& [to, from] : copies) to.copy_(*from);
  });
}

}  // namespace mae
