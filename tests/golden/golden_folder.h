#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <string>

#include "options/model_options.h"

namespace mae {

/// A folder of reference tensors: weights, inputs and outputs of other implementations, and config.json,
/// which says how large the models are. MAE_GOLDEN_DIR names it; by default tests/golden/reference. Made
/// once, then read-only.
class GoldenFolder {
 public:
  /// Reads everything. Throws std::runtime_error with the path and what is wrong.
  static const GoldenFolder& Get();

  const MaskedAutoencoderOptions& autoencoder() const { return autoencoder_; }
  int64_t num_classes() const { return num_classes_; }

  /// A tensor of reference.safetensors. Throws if it is not there.
  const torch::Tensor& reference(const std::string& name) const;
  const std::map<std::string, torch::Tensor>& references() const { return references_; }

  /// Copies FILE's weights into a module, every parameter of it.
  void LoadWeights(const std::string& file, torch::nn::Module& module) const;

 private:
  explicit GoldenFolder(std::string path);

  std::string path_;
  MaskedAutoencoderOptions autoencoder_;
  int64_t num_classes_ = 0;
  std::map<std::string, torch::Tensor> references_;
};

/// Succeeds if no element differs from the expected one by more than `tolerance` of the largest expected
/// magnitude.
testing::AssertionResult RelativelyNear(const torch::Tensor& actual, const torch::Tensor& expected,
                                        double tolerance = 1e-4);

}  // namespace mae
