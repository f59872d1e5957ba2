#include "train/evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mae {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Key;
using testing::Not;

// Logits whose order is that of `classes`, the first one largest.
torch::Tensor Ranked(std::vector<int64_t> order, int64_t classes) {
  auto logits = torch::full({1, classes}, -100.0);
  for (size_t i = 0; i < order.size(); ++i) logits[0][order[i]] = -static_cast<double>(i);
  return logits;
}

void Add(ClassifierScore& score, const std::vector<int64_t>& order, int64_t label, int64_t classes = 7) {
  score.Add(Ranked(order, classes), torch::tensor({label}, torch::kInt64));
}

TEST(ClassifierScore, CountsFirstAndFirstFive) {
  ClassifierScore score(7);
  Add(score, {2, 0, 1, 3, 4, 5}, 2);
  Add(score, {2, 0, 1, 3, 4, 5}, 4);
  Add(score, {2, 0, 1, 3, 4, 5}, 5);
  Add(score, {0, 1}, 0);
  EXPECT_EQ(score.images(), 4);
  EXPECT_DOUBLE_EQ(score.accuracy(), 0.5);
  EXPECT_DOUBLE_EQ(score.top5_accuracy(), 0.75);
}

TEST(ClassifierScore, ConfusionIsTrueByRow) {
  ClassifierScore score(3);
  Add(score, {1}, 0, 3);
  Add(score, {1}, 0, 3);
  Add(score, {0}, 0, 3);
  Add(score, {1}, 1, 3);
  EXPECT_THAT(score.confusion(),
              ElementsAre(ElementsAre(1, 2, 0), ElementsAre(0, 1, 0), ElementsAre(0, 0, 0)));
  EXPECT_NEAR(score.class_accuracy()[0], 1.0 / 3.0, 1e-12);
  EXPECT_DOUBLE_EQ(score.class_accuracy()[1], 1.0);
  EXPECT_TRUE(std::isnan(score.class_accuracy()[2]));
}

TEST(ClassifierScore, OfManyClassesWhichIsTakenForWhichIsNotCounted) {
  const int64_t classes = kMaxConfusionClasses + 1;
  ClassifierScore score(classes);
  Add(score, {7}, 7, classes);
  Add(score, {7}, 8, classes);
  EXPECT_TRUE(score.confusion().empty());
  EXPECT_DOUBLE_EQ(score.accuracy(), 0.5);
  EXPECT_DOUBLE_EQ(score.class_accuracy()[7], 1.0);
}

TEST(ClassifierScore, LossIsTheMeanOverImagesWhateverTheBatches) {
  torch::manual_seed(1);
  const auto logits = torch::randn({5, 4});
  const auto labels = torch::tensor({0, 1, 2, 3, 0}, torch::kInt64);
  ClassifierScore score(4);
  score.Add(logits.slice(0, 0, 4), labels.slice(0, 0, 4));
  score.Add(logits.slice(0, 4), labels.slice(0, 4));
  EXPECT_NEAR(score.loss(), torch::nn::functional::cross_entropy(logits, labels).item<double>(), 1e-6);
}

TEST(MetricsOf, NamesEachClassThatHasImages) {
  ClassifierScore score(7);
  Add(score, {0}, 0);
  Add(score, {0}, 6);
  const auto metrics = MetricsOf(score, {"shirt", "coat", "2", "3", "4", "5", "bag"});
  EXPECT_EQ(metrics.at("accuracy"), 0.5);
  EXPECT_EQ(metrics.at("class_accuracy/shirt"), 1.0);
  EXPECT_EQ(metrics.at("class_accuracy/bag"), 0.0);
  EXPECT_THAT(metrics, Contains(Key("top5_accuracy")));
  EXPECT_THAT(metrics, Not(Contains(Key("class_accuracy/coat"))));
}

TEST(MetricsOf, FiveOfFiveClassesIsNoMetric) {
  ClassifierScore score(5);
  Add(score, {0}, 0, 5);
  EXPECT_THAT(MetricsOf(score, {"a", "b", "c", "d", "e"}), Not(Contains(Key("top5_accuracy"))));
}

}  // namespace
}  // namespace mae
