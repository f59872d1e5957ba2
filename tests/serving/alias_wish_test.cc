#include "serving/alias_wish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serving/model_store.h"
#include "tests/serving/model_store_fixture.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

ModelVersion Measured(int64_t number, const std::string& metric, double value,
                      const ModelConfig& config = TinyClassifier()) {
  ModelVersion version;
  version.model = "m";
  version.version = number;
  version.config = config;
  version.card.dataset = "shapes";
  if (!metric.empty()) version.card.metrics[metric] = value;
  return version;
}

// What becomes of the alias prod, which stands for `present`.
AliasMove Decide(const ModelVersion& present, const ModelVersion& fresh, const std::string& metric) {
  const ModelRecord model{"m", {present}, {{"latest", present.version}, {"prod", present.version}}};
  return DecideAliases({{"prod"}, metric}, fresh, model).at(0);
}

TEST(DecideAliases, WithoutAConditionAllMove) {
  const ModelRecord model{"m", {Measured(1, "accuracy", 0.9)}, {{"latest", 1}, {"prod", 1}}};
  EXPECT_THAT(DecideAliases({{"prod", "new"}, ""}, Measured(2, "accuracy", 0.1), model),
              ElementsAre(AliasMove{"prod", true, "in any case, from version 1"},
                          AliasMove{"new", true, "it stood for no version before"}));
}

TEST(DecideAliases, TheBetterOneOfTwoOfOneDatasetHasTheAlias) {
  const auto better = Decide(Measured(3, "accuracy", 0.75), Measured(4, "accuracy", 0.875), "accuracy");
  EXPECT_EQ(better, (AliasMove{"prod", true, "accuracy 0.875 beats 0.75 of version 3"}));
  const auto worse = Decide(Measured(3, "accuracy", 0.875), Measured(4, "accuracy", 0.75), "accuracy");
  EXPECT_EQ(worse, (AliasMove{"prod", false, "accuracy 0.75 does not beat 0.875 of version 3"}));
  EXPECT_FALSE(Decide(Measured(3, "accuracy", 0.75), Measured(4, "accuracy", 0.75), "accuracy").moved);
  EXPECT_TRUE(
      Decide(Measured(3, "validation_loss", 0.5), Measured(4, "validation_loss", 0.25), "validation_loss")
          .moved);
}

TEST(DecideAliases, WhatCannotBeComparedDoesNotMove) {
  const auto refused = [](const ModelVersion& present, const ModelVersion& fresh, const std::string& metric,
                          const std::string& why) {
    const auto move = Decide(present, fresh, metric);
    EXPECT_FALSE(move.moved) << why;
    EXPECT_THAT(move.reason, HasSubstr(why));
  };
  auto elsewhere = Measured(3, "accuracy", 0.1);
  elsewhere.card.dataset = "cifar10";
  refused(elsewhere, Measured(4, "accuracy", 0.9), "accuracy", "on shapes and version 3 on cifar10");
  refused(Measured(3, "", 0), Measured(4, "accuracy", 0.9), "accuracy", "version 3 has no accuracy");
  refused(Measured(3, "accuracy", 0.1), Measured(4, "", 0), "accuracy", "it has no accuracy");
  refused(Measured(3, "validation_loss", 0.9, TinyAutoencoder()), Measured(4, "validation_loss", 0.1),
          "validation_loss", "it is a vision_transformer and version 3 a masked_autoencoder");
  refused(Measured(3, "validation_loss", 0.9, TinyAutoencoder(1, true)),
          Measured(4, "validation_loss", 0.1, TinyAutoencoder(1, false)), "validation_loss", "norm_pix_loss");
  auto stretched = TinyAutoencoder();
  stretched.std_dev[0] *= 2;  // the same errors make a quarter of the loss
  refused(Measured(3, "validation_loss", 0.9, TinyAutoencoder()),
          Measured(4, "validation_loss", 0.1, stretched), "validation_loss", "std of pixels");
}

TEST(DecideAliases, OneDatasetMayBeNamedInTwoWays) {
  auto named = Measured(3, "accuracy", 0.5);
  named.card.dataset = "datasets/shapes";
  EXPECT_TRUE(Decide(named, Measured(4, "accuracy", 0.9), "accuracy").moved);
}

class AliasWishTest : public ModelStoreTest {
 protected:
  PublishedModel PublishMeasured(const std::string& job, double accuracy, const AliasWish& wish) {
    const auto folder = data_ / ("jobs-" + job) / "export";
    WriteRandomModel(folder, TinyClassifier(), Measured(0, "accuracy", accuracy).card);
    auto published = store_->Publish(folder, "m", wish);
    EXPECT_THAT(published, IsOk());
    return published.value_or(PublishedModel{});
  }
};

TEST_F(AliasWishTest, APublishedVersionTakesTheAliasesItIsBetterFor) {
  const AliasWish wish{{"prod"}, "accuracy"};
  EXPECT_THAT(PublishMeasured("a", 0.5, wish).aliases, ElementsAre(Field(&AliasMove::moved, true)));
  EXPECT_THAT(PublishMeasured("b", 0.25, wish).aliases, ElementsAre(Field(&AliasMove::moved, false)));
  EXPECT_EQ(store_->Resolve("m@prod")->version, 1);
  EXPECT_EQ(store_->Resolve("m")->version, 2) << "latest moves in any case";
  // Rolled back by hand: what counts is the version that the alias stands for now.
  ASSERT_THAT(store_->SetAlias("m", "prod", 2, {}), IsOk());
  PublishMeasured("c", 0.375, wish);
  EXPECT_EQ(store_->Resolve("m@prod")->version, 3);
  Open();
  EXPECT_EQ(store_->Resolve("m@prod")->version, 3);
}

TEST_F(AliasWishTest, PublishedTwiceAJobTellsWhereItsAliasesStand) {
  ModelCard card = Measured(0, "accuracy", 0.5).card;
  card.job = "jobs/a";
  WriteRandomModel(data_ / "export", TinyClassifier(), card);
  ASSERT_THAT(store_->Publish(data_ / "export", "m", {{"prod"}, ""}), IsOk());
  WriteRandomModel(data_ / "export", TinyClassifier(), card);
  const auto again = store_->Publish(data_ / "export", "m", {{"prod", "other"}, ""});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->version, 1);
  EXPECT_THAT(again->aliases, ElementsAre(Field(&AliasMove::moved, true), Field(&AliasMove::moved, false)));
}

TEST_F(AliasWishTest, WhatTakesOverFromAVersionInMemoryIsInMemory) {
  const auto cold = PublishMeasured("a", 0.5, {{"prod"}, ""});
  const auto next = PublishMeasured("b", 0.5, {{"prod"}, ""});
  EXPECT_FALSE(store_->IsLoaded(next)) << "nobody asked for the model yet";
  ASSERT_THAT(store_->Acquire("m@prod"), IsOk());
  EXPECT_TRUE(store_->IsLoaded(PublishMeasured("c", 0.5, {{"prod"}, ""})));
  ASSERT_THAT(store_->Acquire("m"), IsOk());
  EXPECT_TRUE(store_->IsLoaded(PublishMeasured("d", 0.5, {{}, ""}))) << "latest is asked for too";
  EXPECT_FALSE(store_->IsLoaded(cold));
}

}  // namespace
}  // namespace mae
