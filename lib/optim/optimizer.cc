#include "optim/optimizer.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "optim/adamw.h"
#include "optim/lars.h"
#include "optim/sgd.h"
#include "optim/state_tensors.h"
#include "optim/swept_adamw.h"

namespace mae {
namespace {

std::string GradientName(const std::string& parameter) { return absl::StrCat(parameter, ".grad"); }

}  // namespace

void Optimizer::Step(double learning_rate, const torch::Tensor& gradient_scale) {
  const torch::NoGradGuard no_grad;
  StepAll(learning_rate, gradient_scale);
}

void Optimizer::StepAll(double learning_rate, const torch::Tensor& gradient_scale) {
  if (gradient_scale.defined()) {
    if (const auto gradients = Gradients(); !gradients.empty()) at::_foreach_mul_(gradients, gradient_scale);
  }
  for (size_t i = 0; i < groups_.size(); ++i) StepGroup(i, learning_rate * groups_[i].learning_rate_scale);
  if (ema_ != nullptr) ema_->Update();
}

void Optimizer::StepOnDevice(const torch::Tensor&, const torch::Tensor&) {
  TORCH_CHECK(false, "this optimizer's steps take numbers of the host");
}

void Optimizer::ZeroGrad() {
  for (auto& group : groups_) {
    for (auto& [name, parameter] : group.parameters) parameter.mutable_grad().reset();
  }
}

std::vector<torch::Tensor> Optimizer::Gradients() const {
  std::vector<torch::Tensor> gradients;
  for (const auto& group : groups_) {
    for (const auto& [name, parameter] : group.parameters) {
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    }
  }
  return gradients;
}

NamedParameters Optimizer::State() const {
  NamedParameters state = OwnState();
  for (const auto& group : groups_) {
    for (const auto& [name, parameter] : group.parameters) {
      if (parameter.grad().defined()) state.emplace_back(GradientName(name), parameter.grad());
    }
  }
  return state;
}

absl::Status Optimizer::LoadState(const NamedParameters& state) {
  NamedParameters wanted = OwnState();
  const auto by_name = TensorsByName(state);
  std::vector<std::pair<torch::Tensor, torch::Tensor>> gradients;  // of a parameter
  for (const auto& group : groups_) {
    for (const auto& [name, parameter] : group.parameters) {
      if (by_name.count(GradientName(name)) == 0) continue;
      gradients.emplace_back(parameter, torch::zeros_like(parameter, torch::requires_grad(false)));
      wanted.emplace_back(GradientName(name), gradients.back().second);
    }
  }
  MAE_RETURN_IF_ERROR(CopyState("optimizer state", state, wanted));
  ZeroGrad();
  for (auto& [parameter, gradient] : gradients) parameter.mutable_grad() = gradient;
  return absl::OkStatus();
}

std::unique_ptr<Optimizer> MakeOptimizer(const std::vector<ParamGroup>& groups,
                                         const OptimizerOptions& options) {
  switch (options.algorithm) {
    case OptimizerAlgorithm::kLars:
      return std::make_unique<Lars>(groups, options);
    case OptimizerAlgorithm::kSgd:
      return std::make_unique<Sgd>(groups, options);
    case OptimizerAlgorithm::kAdamW:
      break;
  }
  if (SweptAdamW::CanRun(groups)) return std::make_unique<SweptAdamW>(groups, options);
  return std::make_unique<AdamW>(groups, options);
}

}  // namespace mae
