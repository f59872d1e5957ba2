#include "base/nearest_word.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

const std::vector<std::string> kFields = {"mask_ratio", "batch_size", "epochs",
                                          "seed",       "lr",         "warmup_epochs"};

TEST(NearestWord, FindsWhatASlipMeant) {
  EXPECT_EQ(NearestWord("mask_ration", kFields), "mask_ratio");  // letter too many
  EXPECT_EQ(NearestWord("bach_size", kFields), "batch_size");    // too few
  EXPECT_EQ(NearestWord("epochz", kFields), "epochs");           // another
  EXPECT_EQ(NearestWord("sede", kFields), "seed");               // swapped: one change
  EXPECT_EQ(NearestWord("Warmup_Epochs", kFields), "warmup_epochs");
  EXPECT_EQ(NearestWord("lt", kFields), "lr");
}

TEST(NearestWord, PrefersTheSmallestChangeThenTheFirst) {
  EXPECT_EQ(NearestWord("cat", {"cart", "cat"}), "cat");
  EXPECT_EQ(NearestWord("bat", {"cat", "hat"}), "cat");
}

TEST(NearestWord, IsEmptyWhenNothingIsNear) {
  EXPECT_EQ(NearestWord("optimizer", kFields), "");
  EXPECT_EQ(NearestWord("xy", kFields), "");
  EXPECT_EQ(NearestWord("x", {"a"}), "");
  EXPECT_EQ(NearestWord("", kFields), "");
  EXPECT_EQ(NearestWord("seed", {}), "");
}

TEST(NearestWord, DidYouMeanIsAPhraseOrNothing) {
  EXPECT_EQ(DidYouMean("epocs", kFields), " (did you mean 'epochs'?)");
  EXPECT_EQ(DidYouMean("optimizer", kFields), "");
}

}  // namespace
}  // namespace mae
