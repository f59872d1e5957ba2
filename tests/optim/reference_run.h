#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "models/vision_transformer.h"
#include "optim/optimizer.h"

namespace mae {

/// What PyTorch and timm computed of a small classifier, by tools/make-optimizer-references: weights at the
/// start, gradients of each step, and weights after it.
class ReferenceRun {
 public:
  static constexpr int64_t kSteps = 3;
  static constexpr double kRates[kSteps] = {0.0, 0.05, 0.02};
  static constexpr double kWeightDecay = 0.05, kLayerDecay = 0.75, kEmaDecay = 0.9;

  /// Throws if the reference can't be read.
  ReferenceRun();

  /// The classifier of the reference: mean-pooled, or with the class token; as the reference starts.
  VisionTransformer Model(Pooling pooling = Pooling::kMean, double drop_path = 0.0) const;

  /// Gives every weight its gradient of that step, and steps.
  void Step(VisionTransformer& model, Optimizer& optimizer, int64_t step) const;

  /// Succeeds if every weight of the model is that of `prefix` after the step, to float32.
  testing::AssertionResult Equals(VisionTransformer& model, const std::string& prefix, int64_t step) const;

 private:
  std::map<std::string, torch::Tensor> tensors_;
};

/// A JSON file of the reference: "groups" or "schedules".
nlohmann::json ReferenceJson(const std::string& name);

}  // namespace mae
