#include "train/soft_target_loss.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "checkpoint/safetensors.h"

namespace mae {
namespace {

// Made by tools/make-finetune-references.
std::map<std::string, torch::Tensor> SoftTargetReferences() {
  const auto file = ReadSafetensors(std::string(std::getenv("MAE_SOURCE_DIR")) +
                                    "/tests/train/reference/soft_targets.safetensors");
  return {file.value().tensors.begin(), file.value().tensors.end()};
}

TEST(SoftTargetLoss, EqualsTimmsForSmoothedAndMixedTargets) {
  const auto references = SoftTargetReferences();
  const auto& logits = references.at("logits");
  const auto& labels = references.at("labels");
  int compared = 0;
  for (const auto& [name, expected] : references) {
    double share = 0, smoothing = 0;
    if (std::sscanf(name.c_str(), "targets/%lf/%lf", &share, &smoothing) != 2) continue;
    const auto own = SmoothedTargets(labels, 5, smoothing);
    const auto targets = own * share + own.flip(0) * (1 - share);
    EXPECT_TRUE(targets.allclose(expected, 1e-6, 1e-6)) << name;
    const double loss = SoftTargetCrossEntropy(logits, targets).item<double>();
    EXPECT_NEAR(loss, references.at("loss" + name.substr(7)).item<double>(), 1e-5) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 4);
}

TEST(SoftTargetLoss, OfHardTargetsIsTheCrossEntropyWithItsGradient) {
  auto logits = torch::randn({7, 4}).requires_grad_();
  const auto labels = torch::tensor({0, 1, 2, 3, 0, 1, 2});
  const auto soft = SoftTargetCrossEntropy(logits, SmoothedTargets(labels, 4, 0.0));
  const auto hard = torch::nn::functional::cross_entropy(logits, labels);
  EXPECT_NEAR(soft.item<double>(), hard.item<double>(), 1e-6);
  EXPECT_TRUE(torch::autograd::grad({soft}, {logits})[0].allclose(torch::autograd::grad({hard}, {logits})[0],
                                                                  1e-5, 1e-7));
}

TEST(SoftTargetLoss, IsFloat32ForBf16LogitsAndRefusesOtherShapes) {
  const auto logits = torch::randn({2, 3}).to(torch::kBFloat16);
  const auto targets = SmoothedTargets(torch::tensor({1, 2}), 3, 0.1);
  EXPECT_EQ(SoftTargetCrossEntropy(logits, targets).scalar_type(), torch::kFloat32);
  EXPECT_THROW(SoftTargetCrossEntropy(logits, targets.slice(1, 0, 2)), c10::Error);
}

}  // namespace
}  // namespace mae
