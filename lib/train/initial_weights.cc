#include "train/initial_weights.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/counted_random.h"
#include "base/status_macros.h"
#include "checkpoint/model_folder.h"
#include "nn/init.h"
#include "nn/position_embedding.h"

namespace mae {
namespace {

absl::Status Mismatch(const std::filesystem::path& folder, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("from_model: the weights in ", folder.string(),
                                   " don't fit this model; give the model the shape that they were "
                                   "trained with: ",
                                   status.message()));
}

// The number of heads shows in no tensor's shape, but other heads read other features from the same weights.
absl::Status CheckHeads(const EncoderOptions& source, const EncoderOptions& target) {
  if (source.num_heads == target.num_heads) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("model.num_heads is ", target.num_heads,
                                                 ", the pretrained encoder has ", source.num_heads));
}

NamedTensors WithoutHead(NamedTensors tensors) {
  std::erase_if(tensors, [](const auto& tensor) { return absl::StartsWith(tensor.first, "head."); });
  return tensors;
}

// A tensor that is not the embedding of the source's grid stays as it is: loading then names its shape.
void FitPositions(const EncoderOptions& source, const EncoderOptions& target, PositionResampling resampling,
                  NamedTensors& tensors) {
  const int64_t rows = target.grid_rows(), cols = target.grid_cols();
  if (source.grid_rows() == rows && source.grid_cols() == cols) return;
  for (auto& [name, tensor] : tensors) {
    const bool of_source =
        tensor.dim() == 3 && tensor.size(0) == 1 && tensor.size(1) == 1 + source.num_patches();
    if (name != "pos_embed" || !of_source) continue;
    tensor = ResamplePositionEmbedding(tensor, source.grid_rows(), source.grid_cols(), rows, cols,
                                       resampling == PositionResampling::kBicubicAntialiased);
  }
}

void DrawHead(VisionTransformerImpl& model, double std_dev) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model.named_parameters()) {
    if (!absl::StartsWith(parameter.key(), "head.")) continue;
    if (parameter.value().dim() > 1) {
      TruncNormal(parameter.value(), std_dev);
    } else {
      parameter.value().zero_();
    }
  }
}

}  // namespace

void SeedInitialWeights(uint64_t seed) { torch::manual_seed(CountedBits(seed, RandomStream::kInit, {})); }

absl::Status LoadPretrainedEncoder(const std::filesystem::path& folder, PositionResampling resampling,
                                   VisionTransformerImpl& model, double head_std_dev) {
  static const std::vector<std::string> kOwn = {"head.weight",
                                                "head.bias",
                                                "head.0.running_mean",
                                                "head.0.running_var",
                                                "head.0.num_batches_tracked",
                                                "head.1.weight",
                                                "head.1.bias",
                                                "fc_norm.weight",
                                                "fc_norm.bias",
                                                "norm.weight",
                                                "norm.bias"};
  MAE_ASSIGN_OR_RETURN(const ModelConfig config, ReadModelConfig(folder));
  if (const auto status = CheckHeads(config.encoder(), model.options().encoder); !status.ok()) {
    return Mismatch(folder, status);
  }
  MAE_ASSIGN_OR_RETURN(Safetensors file, ReadSafetensors(folder / "model.safetensors"));
  FitPositions(config.encoder(), model.options().encoder, resampling, file.tensors);
  const auto status = LoadState(WithoutHead(std::move(file.tensors)), model, kOwn);
  if (!status.ok()) return Mismatch(folder, status);
  DrawHead(model, head_std_dev);
  return absl::OkStatus();
}

}  // namespace mae
