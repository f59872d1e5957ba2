#include "optim/ema.h"

#include "absl/strings/str_cat.h"
#include "optim/state_tensors.h"

namespace mae {

Ema::Ema(const torch::nn::Module& module, double decay) : decay_(decay) {
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    parameters_.emplace_back(item.key(), item.value());
    averages_.push_back(item.value().detach().clone());
    average_of_.emplace(item.value().unsafeGetTensorImpl(), averages_.back());
  }
}

void Ema::Update() {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < averages_.size(); ++i) averages_[i].lerp_(parameters_[i].second, share());
}

void Ema::Update(const torch::Tensor& parameter) {
  const torch::NoGradGuard no_grad;
  if (auto average = AverageOf(parameter); average.defined()) average.lerp_(parameter, share());
}

torch::Tensor Ema::AverageOf(const torch::Tensor& parameter) const {
  const auto found = average_of_.find(parameter.unsafeGetTensorImpl());
  return found == average_of_.end() ? torch::Tensor() : found->second;
}

void Ema::UpdateUnless(const torch::Tensor& skip) {
  const torch::NoGradGuard no_grad;
  const auto share = (1.0 - skip) * (1.0 - decay_);
  for (size_t i = 0; i < averages_.size(); ++i) averages_[i].lerp_(parameters_[i].second, share);
}

void Ema::Swap() {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < averages_.size(); ++i) {
    auto& weight = parameters_[i].second;
    const auto kept = weight.detach().clone();
    weight.copy_(averages_[i]);
    averages_[i].copy_(kept);
  }
}

NamedParameters Ema::State() const {
  NamedParameters state;
  for (size_t i = 0; i < averages_.size(); ++i) {
    state.emplace_back(absl::StrCat(parameters_[i].first, ".ema"), averages_[i]);
  }
  return state;
}

absl::Status Ema::LoadState(const NamedParameters& state) {
  return CopyState("average of the weights", state, State());
}

}  // namespace mae
