#include "serving/warm_up.h"

#include "tests/fakes/fake_predictor.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

// Notes what it is asked for.
class NotingPredictor : public FakePredictor {
 public:
  using FakePredictor::FakePredictor;
  absl::StatusOr<std::vector<ReconstructionResult>> Reconstruct(const std::vector<PredictorInput>& inputs,
                                                                const ReconstructOptions&,
                                                                const RequestContext&) const override {
    Note("Reconstruct", inputs);
    return std::vector<ReconstructionResult>(1);
  }
  absl::StatusOr<std::vector<std::vector<float>>> Classify(const std::vector<PredictorInput>& inputs,
                                                           const RequestContext&) const override {
    Note("Classify", inputs);
    return absl::InternalError("broken");
  }
  absl::StatusOr<FloatTensor> Embed(const std::vector<PredictorInput>& inputs, const EmbedOptions&,
                                    const RequestContext&) const override {
    Note("Embed", inputs);
    return FloatTensor{};
  }
  mutable std::string asked;

 private:
  void Note(const std::string& method, const std::vector<PredictorInput>& inputs) const {
    asked += method;
    ASSERT_EQ(inputs.size(), 1U);
    EXPECT_EQ(std::get<FloatTensor>(inputs[0]).shape, (std::vector<int64_t>{1, 8, 12}));
    EXPECT_EQ(std::get<FloatTensor>(inputs[0]).values.size(), 96U);
  }
};

TEST(WarmUp, RunsWhatTheModelIsFor) {
  const NotingPredictor autoencoder(TinyAutoencoder()), classifier(TinyClassifier());
  EXPECT_THAT(WarmUp(autoencoder, {}), IsOk());
  EXPECT_EQ(autoencoder.asked, "Reconstruct");
  EXPECT_THAT(WarmUp(classifier, {}), StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(classifier.asked, "Classify");
  auto headless = TinyClassifier();
  std::get<VisionTransformerOptions>(headless.model).num_classes = 0;
  const NotingPredictor encoder(headless);
  EXPECT_THAT(WarmUp(encoder, {}), IsOk());
  EXPECT_EQ(encoder.asked, "Embed");
}

}  // namespace
}  // namespace mae
