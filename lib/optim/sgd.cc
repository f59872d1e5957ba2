#include "optim/sgd.h"

#include "absl/strings/str_cat.h"

namespace mae {

Sgd::Sgd(const std::vector<ParamGroup>& groups, const OptimizerOptions& options)
    : Optimizer(groups), momentum_(options.momentum) {
  for (const auto& group : groups) {
    auto& buffers = buffers_.emplace_back();
    for (const auto& [name, parameter] : group.parameters) {
      buffers.push_back(torch::zeros_like(parameter, torch::requires_grad(false)));
    }
  }
}

void Sgd::StepGroup(size_t group, double learning_rate) {
  const auto& [parameters, weight_decay, scale, name] = groups()[group];
  for (size_t i = 0; i < parameters.size(); ++i) {
    auto parameter = parameters[i].second;
    if (!parameter.grad().defined()) continue;
    auto& buffer = buffers_[group][i];
    buffer.mul_(momentum_).add_(Direction(parameter, weight_decay));
    parameter.sub_(buffer, learning_rate);
  }
}

torch::Tensor Sgd::Direction(const torch::Tensor& parameter, double weight_decay) const {
  return weight_decay == 0.0 ? parameter.grad() : parameter.grad().add(parameter, weight_decay);
}

NamedParameters Sgd::OwnState() const {
  NamedParameters state;
  for (size_t g = 0; g < buffers_.size(); ++g) {
    for (size_t i = 0; i < buffers_[g].size(); ++i) {
      state.emplace_back(absl::StrCat(groups()[g].parameters[i].first, ".momentum_buffer"), buffers_[g][i]);
    }
  }
  return state;
}

}  // namespace mae
