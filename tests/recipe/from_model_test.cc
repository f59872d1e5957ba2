#include "recipe/from_model.h"

#include <gtest/gtest.h>

#include "tests/recipe/filled_spec.h"

namespace mae {
namespace {

TEST(FromModel, EveryKindButPretrainHasOne) {
  for (const auto& kind : JobKinds()) {
    auto spec = FilledSpec(kind, 0);
    EXPECT_EQ(KindNameOf(spec), kind);
    EXPECT_EQ(FromModelField(spec), kind == "pretrain" ? "" : kind + ".from_model");
    SetFromModel("m", spec);
    EXPECT_EQ(FromModelOf(spec), kind == "pretrain" ? "" : "m");
  }
}

TEST(FromModel, ASpecWithoutKindHasNone) {
  v1::JobSpec spec;
  SetFromModel("m", spec);
  EXPECT_EQ(FromModelOf(spec), "");
  EXPECT_EQ(FromModelField(spec), "");
  EXPECT_EQ(KindNameOf(spec), "");
}

TEST(FromModel, OnlyProbesOfNeighborsAndEvaluationsTrainNothing) {
  for (const auto& kind : JobKinds()) {
    EXPECT_EQ(TrainsModel(FilledSpec(kind, 0)), kind != "knn_probe" && kind != "evaluate") << kind;
  }
  EXPECT_EQ(AllKindNames(), "pretrain, finetune, linear_probe, knn_probe, evaluate");
}

}  // namespace
}  // namespace mae
