#include "serving/cached_predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_predictor.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::ElementsAre;

/// Its n-th answer is n, whatever it is asked: an answer that comes twice was not made twice.
class CountingPredictor final : public FakePredictor {
 public:
  absl::StatusOr<std::vector<ReconstructionResult>> Reconstruct(const std::vector<PredictorInput>&,
                                                                const ReconstructOptions&,
                                                                const RequestContext&) const override {
    ReconstructionResult result;
    result.loss = ++calls;
    return std::vector<ReconstructionResult>{result};
  }
  absl::StatusOr<std::vector<std::vector<float>>> Classify(const std::vector<PredictorInput>&,
                                                           const RequestContext&) const override {
    if (fails) return absl::UnavailableError("not now");
    return std::vector<std::vector<float>>{{static_cast<float>(++calls)}};
  }
  absl::StatusOr<FloatTensor> Embed(const std::vector<PredictorInput>&, const EmbedOptions&,
                                    const RequestContext&) const override {
    return FloatTensor{{1, 1}, {static_cast<float>(++calls)}};
  }

  mutable int calls = 0;
  bool fails = false;
};

class CachedPredictorTest : public testing::Test {
 protected:
  CachedPredictorTest() {
    auto inner = std::make_unique<CountingPredictor>();
    inner_ = inner.get();
    predictor_ = WithResponseCache(std::move(inner), cache_,
                                   [this](const CacheLookup& lookup) { hits_.push_back(lookup.hit); });
  }

  float Class(const std::vector<PredictorInput>& inputs) { return (*predictor_->Classify(inputs))[0][0]; }
  float Embedding(const EmbedOptions& options) { return predictor_->Embed({kOne}, options)->values[0]; }
  double Loss(const ReconstructOptions& options) {
    return (*predictor_->Reconstruct({kOne}, options))[0].loss;
  }

  const PredictorInput kOne = Picture{1, 2, 1, {7, 8}};
  const std::shared_ptr<ResponseCache> cache_ = std::make_shared<ResponseCache>(1 << 20);
  CountingPredictor* inner_ = nullptr;
  std::unique_ptr<Predictor> predictor_;
  std::vector<bool> hits_;
};

TEST_F(CachedPredictorTest, TheSameRequestGetsTheSameAnswerWithoutTheModel) {
  EXPECT_EQ(Class({kOne}), 1);
  EXPECT_EQ(Class({kOne}), 1);
  EXPECT_EQ(inner_->calls, 1);
  EXPECT_THAT(hits_, ElementsAre(false, true));
}

TEST_F(CachedPredictorTest, EachOtherInputIsAsked) {
  const std::vector<std::vector<PredictorInput>> requests = {
      {kOne},
      {Picture{1, 2, 1, {8, 7}}},
      {Picture{2, 1, 1, {7, 8}}},
      {Picture{1, 1, 2, {7, 8}}},
      {kOne, kOne},
      {kOne, Picture{1, 2, 1, {8, 7}}},
      {Picture{1, 2, 1, {8, 7}}, kOne},
      {FloatTensor{{1, 1, 2}, {7, 8}}},
      {FloatTensor{{1, 2, 1}, {7, 8}}},
      {FloatTensor{{1, 1, 2}, {7, 8.000001f}}},
  };
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(Class(requests[i]), static_cast<float>(i + 1));
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(Class(requests[i]), static_cast<float>(i + 1));
}

TEST_F(CachedPredictorTest, EachOtherTaskAndOptionIsAsked) {
  EXPECT_EQ(Class({kOne}), 1);
  EXPECT_EQ(Embedding({}), 2);
  EXPECT_EQ(Embedding({.pool = EmbeddingPool::kClassToken}), 3);
  EXPECT_EQ(Embedding({.l2_normalize = true}), 4);
  std::vector<ReconstructOptions> options(9);
  options[1].mask_ratios = {0.5};
  options[2].mask_ratios = {0.5, 0.5};
  options[3].seed = 1;
  options[4].hidden = {true, false};
  options[5].pictures = false;
  options[6].tensors = false;
  options[7].mask_kind = MaskKind::kBlock;
  options[8].pixel_statistics = PixelStatistics::kRaw;
  for (size_t i = 0; i < options.size(); ++i) EXPECT_EQ(Loss(options[i]), static_cast<double>(i + 5));
  for (size_t i = 0; i < options.size(); ++i) EXPECT_EQ(Loss(options[i]), static_cast<double>(i + 5));
  EXPECT_EQ(Embedding({.pool = EmbeddingPool::kClassToken}), 3);
}

TEST_F(CachedPredictorTest, ErrorsAreNotKept) {
  inner_->fails = true;
  EXPECT_THAT(predictor_->Classify({kOne}), StatusIs(absl::StatusCode::kUnavailable));
  inner_->fails = false;
  EXPECT_EQ(Class({kOne}), 1);
}

TEST_F(CachedPredictorTest, AnswersAreOfOnePredictorAndGoWithIt) {
  EXPECT_EQ(Class({kOne}), 1);
  const auto other = WithResponseCache(std::make_unique<CountingPredictor>(), cache_, nullptr);
  EXPECT_EQ((*other->Embed({kOne}, {})).values[0], 1);
  EXPECT_EQ((*other->Classify({kOne}))[0][0], 2) << "it was not asked before";
  const int64_t both = cache_->bytes();
  predictor_ = nullptr;
  EXPECT_LT(cache_->bytes(), both);
  EXPECT_EQ((*other->Classify({kOne}))[0][0], 2);
}

}  // namespace
}  // namespace mae
