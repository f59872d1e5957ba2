#include "interop/weight_fit.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mae {
namespace {

constexpr size_t kMaxFaults = 5;  // in a message

class ShapeList {
 public:
  explicit ShapeList(const EncoderOptions& encoder) : encoder_(encoder) {}

  void Add(const std::string& name, std::vector<int64_t> shape) {
    shapes_.emplace_back(name, std::move(shape));
  }
  void AddLinear(const std::string& name, int64_t rows, int64_t columns) {
    Add(name + ".weight", {rows, columns});
    Add(name + ".bias", {rows});
  }
  void AddNorm(const std::string& name, int64_t width) {
    Add(name + ".weight", {width});
    Add(name + ".bias", {width});
  }
  void AddBlocks(const std::string& stack, int64_t width, int64_t depth) {
    for (int64_t i = 0; i < depth; ++i) AddBlock(absl::StrCat(stack, i, "."), width);
  }
  void AddEncoder() {
    const int64_t width = encoder_.embed_dim, patch = encoder_.patch_size;
    Add("cls_token", {1, 1, width});
    Add("pos_embed", {1, 1 + encoder_.num_patches(), width});
    Add("patch_embed.proj.weight", {width, encoder_.channels, patch, patch});
    Add("patch_embed.proj.bias", {width});
    AddBlocks("blocks.", width, encoder_.depth);
  }
  std::vector<NamedShape> Take() { return std::move(shapes_); }

 private:
  void AddBlock(const std::string& block, int64_t width) {
    const int64_t hidden = encoder_.hidden_width(width);
    AddNorm(block + "norm1", width);
    Add(block + "attn.qkv.weight", {3 * width, width});
    if (encoder_.qkv_bias) Add(block + "attn.qkv.bias", {3 * width});
    AddLinear(block + "attn.proj", width, width);
    AddNorm(block + "norm2", width);
    AddLinear(block + "mlp.fc1", hidden, width);
    AddLinear(block + "mlp.fc2", width, hidden);
  }

  const EncoderOptions& encoder_;
  std::vector<NamedShape> shapes_;
};

void AddRest(const MaskedAutoencoderOptions& model, ShapeList& list) {
  const int64_t width = model.encoder.embed_dim, decoder = model.decoder.embed_dim;
  list.AddNorm("norm", width);
  list.Add("mask_token", {1, 1, decoder});
  list.Add("decoder_pos_embed", {1, 1 + model.encoder.num_patches(), decoder});
  list.AddLinear("decoder_embed", decoder, width);
  list.AddBlocks("decoder_blocks.", decoder, model.decoder.depth);
  list.AddNorm("decoder_norm", decoder);
  list.AddLinear("decoder_pred", model.encoder.patch_dim(), decoder);
}

void AddRest(const VisionTransformerOptions& model, ShapeList& list) {
  const int64_t width = model.encoder.embed_dim;
  list.AddNorm(model.pooling == Pooling::kMean ? "fc_norm" : "norm", width);
  if (model.num_classes > 0) list.AddLinear("head", model.num_classes, width);
}

}  // namespace

std::vector<NamedShape> ShapesOf(const ModelConfig& config) {
  ShapeList list(config.encoder());
  list.AddEncoder();
  std::visit([&list](const auto& model) { AddRest(model, list); }, config.model);
  return list.Take();
}

absl::Status CheckFit(const std::map<std::string, torch::Tensor>& weights, const ModelConfig& config,
                      const GivenNames& names) {
  std::vector<std::string> faults;
  for (const auto& [name, wanted] : ShapesOf(config)) {
    const auto found = weights.find(name);
    if (found != weights.end() && found->second.sizes() == torch::IntArrayRef(wanted)) continue;
    const std::string is = found == weights.end() ? "missing" : names.ShapeText(name, found->second.sizes());
    faults.push_back(absl::StrCat(names.Of(name), " is ", is, ", should be ", names.ShapeText(name, wanted)));
  }
  if (faults.empty()) return absl::OkStatus();
  const size_t more = faults.size() - std::min(faults.size(), kMaxFaults);
  faults.resize(faults.size() - more);
  return absl::InvalidArgumentError(
      absl::StrCat("weights do not make a whole ", config.kind_name(), ": ", absl::StrJoin(faults, "; "),
                   more > 0 ? absl::StrCat("; and ", more, " tensors more") : ""));
}

}  // namespace mae
