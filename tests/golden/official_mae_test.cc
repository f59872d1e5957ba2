// Agreement in fp32 with the public MAE implementation, on the tensors of a golden folder.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <regex>
#include <set>

#include "models/masked_autoencoder.h"
#include "models/masking.h"
#include "nn/position_embedding.h"
#include "optim/adamw.h"
#include "optim/param_groups.h"
#include "tests/golden/golden_folder.h"

namespace mae {
namespace {

// One forward pass of the reference: its tensors are named ratio75_normpix0.loss and so on.
struct Case {
  std::string name;
  double mask_ratio;
  bool norm_pix;
};

std::vector<Case> Cases() {
  static const std::regex pattern(R"((ratio(\d+)_normpix([01]))\.loss)");
  std::vector<Case> cases;
  for (const auto& [name, tensor] : GoldenFolder::Get().references()) {
    std::smatch match;
    if (std::regex_match(name, match, pattern)) {
      cases.push_back({match[1], std::stod(match[2]) / 100.0, match[3] == "1"});
    }
  }
  return cases;
}

MaskedAutoencoder Model(bool norm_pix) {
  auto options = GoldenFolder::Get().autoencoder();
  options.norm_pix_loss = norm_pix;
  MaskedAutoencoder model(options);
  GoldenFolder::Get().LoadWeights("mae_weights.safetensors", *model);
  return model;
}

const torch::Tensor& Of(const Case& c, const std::string& what) {
  return GoldenFolder::Get().reference(c.name + "." + what);
}

// Compares the gradient of every parameter that the reference has one of.
void ExpectGradients(const Case& c, MaskedAutoencoder& model) {
  const auto parameters = model->named_parameters();
  const std::string prefix = c.name + ".grad.";
  std::set<std::string> compared;
  for (const auto& [name, want] : GoldenFolder::Get().references()) {
    if (name.rfind(prefix, 0) != 0) continue;
    const auto key = name.substr(prefix.size());
    ASSERT_TRUE(parameters.contains(key)) << key;
    EXPECT_TRUE(RelativelyNear(parameters[key].grad(), want)) << name;
    compared.insert(key);
  }
  if (compared.empty()) return;  // this pass has no gradients in the reference
  for (const auto& item : parameters) {
    EXPECT_EQ(item.value().requires_grad(), compared.count(item.key()) == 1) << item.key();
  }
}

TEST(OfficialMae, TheReferenceHasCases) { EXPECT_GE(Cases().size(), 1U); }

TEST(OfficialMae, MasksAndOrderAreEqual) {
  for (const auto& c : Cases()) {
    const auto mask = MaskFromNoise(GoldenFolder::Get().reference("noise"), c.mask_ratio);
    EXPECT_TRUE(mask.mask.equal(Of(c, "mask"))) << c.name;
    EXPECT_TRUE(mask.ids_restore.equal(Of(c, "ids_restore"))) << c.name;
  }
}

TEST(OfficialMae, ForwardPassesAgree) {
  const auto& golden = GoldenFolder::Get();
  for (const auto& c : Cases()) {
    SCOPED_TRACE(c.name);
    const auto out =
        Model(c.norm_pix)
            ->forward(golden.reference("imgs"), MaskFromNoise(golden.reference("noise"), c.mask_ratio));
    EXPECT_EQ(out.pred.sizes(), Of(c, "pred").sizes());
    EXPECT_EQ(out.latent.sizes(), Of(c, "latent").sizes());
    EXPECT_TRUE(RelativelyNear(out.loss, Of(c, "loss")));
    EXPECT_TRUE(RelativelyNear(out.pred, Of(c, "pred")));
    EXPECT_TRUE(RelativelyNear(out.latent, Of(c, "latent")));
  }
}

TEST(OfficialMae, AGivenMaskGivesTheSameLossAsTheNoiseThatDrewIt) {
  const auto& golden = GoldenFolder::Get();
  for (const auto& c : Cases()) {
    const auto out = Model(c.norm_pix)->forward(golden.reference("imgs"), MaskFromHidden(Of(c, "mask") > 0));
    EXPECT_TRUE(RelativelyNear(out.loss, Of(c, "loss"))) << c.name;
  }
}

TEST(OfficialMae, EveryGradientAgrees) {
  const auto& golden = GoldenFolder::Get();
  for (const auto& c : Cases()) {
    SCOPED_TRACE(c.name);
    auto model = Model(c.norm_pix);
    model->forward(golden.reference("imgs"), MaskFromNoise(golden.reference("noise"), c.mask_ratio))
        .loss.backward();
    ExpectGradients(c, model);
  }
}

TEST(OfficialMae, TheTrainingLossAndItsGradientsAgree) {
  const auto& golden = GoldenFolder::Get();
  for (const auto& c : Cases()) {
    SCOPED_TRACE(c.name);
    auto model = Model(c.norm_pix);
    const auto loss =
        model->Loss(golden.reference("imgs"), MaskFromNoise(golden.reference("noise"), c.mask_ratio));
    EXPECT_TRUE(RelativelyNear(loss, Of(c, "loss")));
    loss.backward();
    ExpectGradients(c, model);
  }
}

// Leaves out the middle third, the keys, of a query-key-value bias. Softmax does not notice a shift that all
// keys share, so the true gradient of a key bias is zero: what there is of it is rounding, which AdamW scales
// up to full steps.
torch::Tensor WithoutKeyBias(const std::string& name, const torch::Tensor& value) {
  if (name.find("attn.qkv.bias") == std::string::npos) return value;
  const auto parts = value.chunk(3);
  return torch::cat({parts[0], parts[2]});
}

// The reference took the steps on the 0.75 raw-pixel case: learning rate 1e-3, betas 0.9 and 0.95, and a
// weight decay of 0.05 on every parameter.
TEST(OfficialMae, FiveAdamWStepsAgree) {
  const auto& golden = GoldenFolder::Get();
  auto model = Model(/*norm_pix=*/false);
  OptimizerOptions options;
  options.weight_decay_scope = WeightDecayScope::kAll;
  AdamW adamw(MakeParamGroups(*model, options, TrainingKind::kPretrain), options);
  const auto mask = MaskFromNoise(golden.reference("noise"), 0.75);
  std::vector<float> losses;
  for (int step = 0; step < 5; ++step) {
    const auto loss = model->Loss(golden.reference("imgs"), mask);
    losses.push_back(loss.item<float>());
    adamw.ZeroGrad();
    loss.backward();
    adamw.Step(1e-3);
  }
  EXPECT_TRUE(RelativelyNear(torch::tensor(losses), golden.reference("adamw5.losses")));
  for (const auto& item : model->named_parameters()) {
    const auto& want = golden.reference("adamw5.param." + item.key());
    EXPECT_TRUE(RelativelyNear(WithoutKeyBias(item.key(), item.value()), WithoutKeyBias(item.key(), want)))
        << item.key();
    EXPECT_LT((item.value() - want).abs().max().item<double>(), 5e-3)
        << item.key() << " moved by more than five steps can";
  }
}

TEST(OfficialMae, FreshModelsHaveThePositionEmbeddingsOfTheReference) {
  MaskedAutoencoder fresh(GoldenFolder::Get().autoencoder());
  auto loaded = Model(false);
  for (const char* name : {"pos_embed", "decoder_pos_embed"}) {
    EXPECT_TRUE(RelativelyNear(fresh->named_parameters()[name], loaded->named_parameters()[name], 1e-6))
        << name;
  }
}

}  // namespace
}  // namespace mae
