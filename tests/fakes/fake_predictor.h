#pragma once

#include "serving/predictor.h"

namespace mae {

/// A predictor that has a description and can do nothing.
class FakePredictor : public Predictor {
 public:
  explicit FakePredictor(ModelConfig config = {}) : config_(std::move(config)) {}
  const ModelConfig& config() const override { return config_; }
  absl::StatusOr<std::vector<ReconstructionResult>> Reconstruct(const std::vector<PredictorInput>&,
                                                                const ReconstructOptions&,
                                                                const RequestContext&) const override {
    return absl::UnimplementedError("a fake");
  }
  absl::StatusOr<std::vector<std::vector<float>>> Classify(const std::vector<PredictorInput>&,
                                                           const RequestContext&) const override {
    return absl::UnimplementedError("a fake");
  }
  absl::StatusOr<FloatTensor> Embed(const std::vector<PredictorInput>&, const EmbedOptions&,
                                    const RequestContext&) const override {
    return absl::UnimplementedError("a fake");
  }
  absl::StatusOr<AttentionMaps> Attention(const std::vector<PredictorInput>&, bool,
                                          const RequestContext&) const override {
    return absl::UnimplementedError("a fake");
  }

 private:
  ModelConfig config_;
};

}  // namespace mae
