#include "interop/weight_shapes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "interop/import_check.h"
#include "interop/weight_fit.h"
#include "nn/position_embedding.h"
#include "options/model_limits.h"
#include "options/model_presets.h"
#include "options/parameter_count.h"
#include "serving/config_check.h"

namespace mae {
namespace {

constexpr double kOfficialEps = 1e-6;
constexpr double kOfficialMaskRatio = 0.75;
constexpr size_t kMaxNamed = 5;  // tensors in a message

// "blocks.3.norm1.weight" for the stack "blocks." is 3; -1: of another stack.
int64_t BlockNumber(std::string_view name, std::string_view stack) {
  if (!name.starts_with(stack)) return -1;
  name.remove_prefix(stack.size());
  int64_t number = 0;
  return absl::SimpleAtoi(std::string(name.substr(0, name.find('.'))), &number) ? number : -1;
}

// What the shapes say of one stack of blocks.
struct Stack {
  int64_t width = 0, depth = 0, hidden = 0;
  bool qkv_bias = false;
  double mlp_ratio() const { return static_cast<double>(hidden) / static_cast<double>(width); }
};

// Of how many sides a tensor's shape is, and what stands for them in messages.
struct Form {
  int64_t sides = 0;
  const char* text = "";
};
constexpr Form kToken = {3, "[1,1,embed_dim]"};
constexpr Form kPositions = {3, "[1,1 + patches,embed_dim]"};
constexpr Form kPatches = {4, "[embed_dim,channels,patch,patch]"};
constexpr Form kMatrix = {2, "a matrix of two sides"};

// The tensors by their official names, and what to call them where they are at fault.
class Weights {
 public:
  Weights(const NamedTensors& tensors, const GivenNames& names) : names_(names) {
    for (const auto& [name, tensor] : tensors) by_name_.emplace(name, tensor);
  }

  bool Has(const std::string& name) const { return by_name_.contains(name); }
  const std::map<std::string, torch::Tensor>& all() const { return by_name_; }
  const GivenNames& names() const { return names_; }

  absl::StatusOr<torch::Tensor> Get(const std::string& name, const Form& form) const {
    const auto found = by_name_.find(name);
    if (found != by_name_.end() && found->second.dim() == form.sides) return found->second;
    const bool missing = found == by_name_.end();
    return Fault(
        name, absl::StrCat("is ", missing ? "missing" : ShapeText(name, found->second), "; should be ",
                           form.text, missing ? ": these are no whole weights of a Vision Transformer" : ""));
  }

  absl::StatusOr<Stack> Describe(const std::string& prefix) const {
    MAE_ASSIGN_OR_RETURN(const int64_t depth, DepthOf(prefix));
    MAE_ASSIGN_OR_RETURN(const auto qkv, Get(prefix + "0.attn.qkv.weight", kMatrix));
    MAE_ASSIGN_OR_RETURN(const auto fc1, Get(prefix + "0.mlp.fc1.weight", kMatrix));
    Stack stack;
    stack.depth = depth, stack.width = qkv.size(1), stack.hidden = fc1.size(0);
    stack.qkv_bias = AnyQkvBias(prefix);
    if (stack.width < kMinWidth) {
      return Fault(prefix + "0.attn.qkv.weight",
                   absl::StrCat("is ", ShapeText(prefix + "0.attn.qkv.weight", qkv), "; a width of at least ",
                                kMinWidth, " is needed"));
    }
    if (stack.hidden > 0) return stack;
    return Fault(prefix + "0.mlp.fc1.weight", absl::StrCat("is ", ShapeText(prefix + "0.mlp.fc1.weight", fc1),
                                                           "; at least one row is needed"));
  }

 private:
  absl::Status Fault(const std::string& name, const std::string& fault) const {
    return absl::InvalidArgumentError(absl::StrCat("tensor ", names_.Of(name), ": ", fault));
  }
  std::string ShapeText(const std::string& name, const torch::Tensor& tensor) const {
    return names_.ShapeText(name, tensor.sizes());
  }

  // Of any block, so that one which has lost its bias is found out.
  bool AnyQkvBias(const std::string& prefix) const {
    return std::any_of(by_name_.begin(), by_name_.end(), [&](const auto& item) {
      return item.first.starts_with(prefix) && item.first.ends_with(".attn.qkv.bias");
    });
  }

  absl::StatusOr<int64_t> DepthOf(const std::string& prefix) const {
    std::set<int64_t> numbers;
    for (const auto& [name, tensor] : by_name_) {
      const int64_t number = BlockNumber(name, prefix);
      if (number >= 0) numbers.insert(number);
    }
    int64_t missing = 0;
    while (numbers.contains(missing)) ++missing;
    // Of no block at all, a tensor of the first is missed.
    if (numbers.empty() || missing > *numbers.rbegin()) return missing;
    return absl::InvalidArgumentError(absl::StrCat("tensors ", names_.OfBlocks(prefix), missing,
                                                   ".*: are missing, while block ", *numbers.rbegin(),
                                                   " is there"));
  }

  std::map<std::string, torch::Tensor> by_name_;
  const GivenNames& names_;
};

absl::Status Refused(const ImportOptions& options, const char* option, const std::string& fault) {
  return absl::InvalidArgumentError(absl::StrCat(options.Blamed(option), ": ", fault));
}

absl::Status SetImage(int64_t patches, const std::string& positions, const ImportOptions& options,
                      EncoderOptions& encoder) {
  if (options.image_height || options.image_width) {
    encoder.image_height = options.image_height ? *options.image_height : *options.image_width;
    encoder.image_width = options.image_width.value_or(encoder.image_height);
    const auto size = absl::StrCat(encoder.image_height, "x", encoder.image_width);
    if (encoder.image_height % encoder.patch_size != 0 || encoder.image_width % encoder.patch_size != 0) {
      return Refused(options, "image_height",
                     absl::StrCat(size, " is not whole patches of ", encoder.patch_size, " pixels a side"));
    }
    if (encoder.num_patches() == patches) return absl::OkStatus();
    return Refused(options, "image_height",
                   absl::StrCat(size, " in patches of ", encoder.patch_size, " makes ", encoder.num_patches(),
                                " patches; ", positions, " has ", patches));
  }
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(patches))));
  encoder.image_height = encoder.image_width = side * encoder.patch_size;
  if (side * side == patches) return absl::OkStatus();
  return Refused(options, "image_height",
                 absl::StrCat(positions, " has ", patches,
                              " patches, which is no square: say the image's height and width"));
}

absl::Status SetPatches(const Weights& weights, const ImportOptions& options, EncoderOptions& encoder) {
  MAE_ASSIGN_OR_RETURN(const auto proj, weights.Get("patch_embed.proj.weight", kPatches));
  MAE_ASSIGN_OR_RETURN(const auto positions, weights.Get("pos_embed", kPositions));
  MAE_RETURN_IF_ERROR(weights.Get("cls_token", kToken).status());
  encoder.channels = proj.size(1);
  encoder.patch_size = proj.size(2);
  const int64_t patches = positions.size(1) - 1;
  if (encoder.patch_size < 1 || encoder.patch_size > kMaxImageSide || proj.size(2) != proj.size(3) ||
      patches < 1 || patches > kMaxPatches) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", weights.names().Of("patch_embed.proj.weight"), ": patches of ", proj.size(2),
                     "x", proj.size(3), ", ", patches, " of them; square ones, up to ", kMaxImageSide,
                     " pixels a side and at most ", kMaxPatches, " of them, are read"));
  }
  return SetImage(patches, weights.names().Of("pos_embed"), options, encoder);
}

absl::StatusOr<ModelPreset> PresetOf(const std::string& name) {
  if (const auto preset = FindModelPreset(name)) return *preset;
  std::vector<std::string> names;
  for (const auto& preset : ModelPresets()) names.emplace_back(preset.name);
  return absl::InvalidArgumentError(
      absl::StrCat("preset: '", name, "' is none of ", absl::StrJoin(names, ", ")));
}

// The preset that says how many heads there are, if one does.
absl::StatusOr<std::optional<ModelPreset>> HeadsPreset(const Stack& stack, const ImportOptions& options) {
  if (!options.preset.empty()) {
    MAE_ASSIGN_OR_RETURN(const auto preset, PresetOf(options.preset));
    if (preset.embed_dim == stack.width && preset.depth == stack.depth) return preset;
    return absl::InvalidArgumentError(
        absl::StrCat("preset: ", std::string(preset.name), " is ", preset.embed_dim, " wide and ",
                     preset.depth, " deep; the weights are ", stack.width, " and ", stack.depth));
  }
  for (const auto& preset : ModelPresets()) {
    if (preset.embed_dim == stack.width && preset.depth == stack.depth) return preset;
  }
  return std::optional<ModelPreset>();
}

absl::Status AskForHeads(absl::string_view field, const Stack& stack) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": weights do not tell the number of attention heads, and no preset is ",
                   stack.width, " wide and ", stack.depth, " deep: say it, a divisor of ", stack.width));
}

absl::Status CheckHeads(const ImportOptions& options, const char* option, int64_t heads, const Stack& stack) {
  if (heads <= stack.width && stack.width % heads == 0) return absl::OkStatus();
  return Refused(options, option,
                 absl::StrCat(heads, " does not divide the width of the weights, ", stack.width,
                              ": say a divisor of it"));
}

absl::Status SetHeads(const Stack& stack, const ImportOptions& options, EncoderOptions& encoder,
                      DescribedModel& model) {
  if (options.num_heads) {
    encoder.num_heads = *options.num_heads;
    return CheckHeads(options, "num_heads", encoder.num_heads, stack);
  }
  MAE_ASSIGN_OR_RETURN(const auto preset, HeadsPreset(stack, options));
  if (!preset) return AskForHeads("num_heads", stack);
  encoder.num_heads = preset->num_heads;
  if (options.preset.empty()) {
    model.remarks.push_back(absl::StrCat("The number of heads, ", encoder.num_heads,
                                         ", is that of the preset ", std::string(preset->name),
                                         ", which is as wide and deep."));
  }
  return absl::OkStatus();
}

absl::Status SetDecoderHeads(const Stack& encoder, const Stack& stack, const ImportOptions& options,
                             DecoderOptions& decoder, DescribedModel& model) {
  if (options.decoder_num_heads) {
    decoder.num_heads = *options.decoder_num_heads;
    return CheckHeads(options, "decoder_num_heads", decoder.num_heads, stack);
  }
  MAE_ASSIGN_OR_RETURN(const auto preset, HeadsPreset(encoder, options));
  if (!preset || preset->decoder.embed_dim != stack.width) return AskForHeads("decoder_num_heads", stack);
  decoder.num_heads = preset->decoder.num_heads;
  model.remarks.push_back(absl::StrCat("The number of the decoder's heads, ", decoder.num_heads,
                                       ", is that of the preset ", std::string(preset->name), "."));
  return absl::OkStatus();
}

bool IsSinCos(const torch::Tensor& positions, const EncoderOptions& encoder) {
  constexpr double kClose = 1e-4;
  const int64_t shape[] = {1, 1 + encoder.num_patches(), encoder.embed_dim};
  // First, so that the table is no larger than what was read.
  if (encoder.embed_dim % 4 != 0 || positions.sizes() != at::IntArrayRef(shape)) return false;
  const auto table = SinCosPositionEmbedding(encoder.embed_dim, encoder.grid_rows(), encoder.grid_cols());
  return torch::allclose(positions.to(torch::kFloat), table, 0, kClose);
}

absl::Status SetStatistics(const ImportOptions& options, DescribedModel& model) {
  auto& config = model.config;
  config.mean = options.mean, config.std_dev = options.std_dev;
  const auto channels = config.encoder().channels;
  if (config.mean.empty() && config.std_dev.empty() && channels == 3) {
    config.mean = {0.485, 0.456, 0.406}, config.std_dev = {0.229, 0.224, 0.225};
    model.remarks.push_back("Mean and standard deviation of the pixels are ImageNet's.");
  }
  const auto wanted = static_cast<size_t>(channels);
  if (config.mean.size() == wanted && config.std_dev.size() == wanted) return absl::OkStatus();
  return Refused(
      options, config.mean.size() == wanted ? "std" : "mean",
      absl::StrCat("mean and standard deviation of the pixels (0..1) are needed, ", channels,
                   " numbers each; ", config.mean.size(), " and ", config.std_dev.size(), " are known"));
}

absl::Status SetLabels(const ImportOptions& options, int64_t classes, ModelConfig& config) {
  config.labels = options.labels;
  if (classes == 0 || options.labels.empty() || static_cast<int64_t>(options.labels.size()) == classes)
    return absl::OkStatus();
  return Refused(options, "labels", absl::StrCat(options.labels.size(), " names for ", classes, " classes"));
}

bool IsOfDecoder(std::string_view name) { return name.starts_with("decoder_") || name == "mask_token"; }

bool IsUsed(std::string_view name, const ModelConfig& config) {
  constexpr std::string_view kEncoder[] = {"cls_token", "pos_embed", "patch_embed.proj.", "blocks."};
  for (const auto part : kEncoder) {
    if (name.starts_with(part)) return true;
  }
  if (config.is_autoencoder()) return name.starts_with("norm.") || IsOfDecoder(name);
  const auto& classifier = std::get<VisionTransformerOptions>(config.model);
  if (name.starts_with("head.")) return classifier.num_classes > 0;
  return name.starts_with(classifier.pooling == Pooling::kMean ? "fc_norm." : "norm.");
}

// As the public code does it: a classifier's file may hold what pretraining left.
absl::Status SortOut(const Weights& weights, DescribedModel& model) {
  std::vector<std::string> unknown;
  for (const auto& [name, tensor] : weights.all()) {
    if (IsUsed(name, model.config)) continue;
    const bool known = !model.config.is_autoencoder() && (IsOfDecoder(name) || name.starts_with("norm."));
    (known ? model.ignored : unknown).push_back(weights.names().Of(name));
  }
  if (unknown.empty()) return absl::OkStatus();
  const size_t count = unknown.size();
  unknown.resize(std::min(count, kMaxNamed));
  return absl::InvalidArgumentError(
      absl::StrCat("weights of another model: ", count, " tensors that a ", model.config.kind_name(),
                   " does not have: ", absl::StrJoin(unknown, ", "), count > kMaxNamed ? ", …" : ""));
}

absl::Status DescribeAutoencoder(const Weights& weights, const ImportOptions& options, const Stack& stack,
                                 EncoderOptions encoder, DescribedModel& model) {
  MAE_ASSIGN_OR_RETURN(const Stack decoder, weights.Describe("decoder_blocks."));
  if (decoder.hidden != encoder.hidden_width(decoder.width) || decoder.qkv_bias != stack.qkv_bias) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tensors ", weights.names().OfBlocks("decoder_blocks."), "*: MLP ratio ", decoder.mlp_ratio(),
        " or qkv bias differ from the encoder's ", stack.mlp_ratio(), "; models here share both"));
  }
  MaskedAutoencoderOptions mae;
  mae.decoder.embed_dim = decoder.width, mae.decoder.depth = decoder.depth;
  MAE_RETURN_IF_ERROR(SetDecoderHeads(stack, decoder, options, mae.decoder, model));
  mae.mask_ratio = options.mask_ratio.value_or(kOfficialMaskRatio);
  mae.norm_pix_loss = options.norm_pix_loss.value_or(false);
  mae.encoder = std::move(encoder);
  model.config.model = std::move(mae);
  return absl::OkStatus();
}

absl::Status DescribeClassifier(const Weights& weights, EncoderOptions encoder, DescribedModel& model) {
  VisionTransformerOptions classifier;
  classifier.num_classes = 0;
  if (weights.Has("head.weight")) {
    MAE_ASSIGN_OR_RETURN(const auto head, weights.Get("head.weight", kMatrix));
    classifier.num_classes = head.size(0);
  }
  classifier.pooling = weights.Has("fc_norm.weight") ? Pooling::kMean : Pooling::kToken;
  classifier.encoder = std::move(encoder);
  model.config.model = std::move(classifier);
  return absl::OkStatus();
}

int64_t ParametersOf(const ModelConfig& config) {
  return std::visit([](const auto& model) { return ParameterCount(model); }, config.model);
}

// Before anything of the config's size is allocated.
absl::Status CheckHoldsParameters(const Weights& weights, const ModelConfig& config) {
  int64_t held = 0;
  for (const auto& [name, tensor] : weights.all()) held += tensor.numel();
  const int64_t needed = ParametersOf(config);
  if (needed <= held && needed <= kMaxParameters) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the model has ", needed, " parameters, the weights hold ",
                                                 held, " values, and at most ", kMaxParameters,
                                                 " are read: tensors are missing"));
}

// What options and files say was checked before: what is left are sizes that the shapes tell.
absl::Status CheckSizes(const ModelConfig& config) {
  const absl::Status checked = CheckModelConfig(config);
  if (checked.ok()) return checked;
  return absl::InvalidArgumentError(absl::StrCat("the weights make a model that can't be built: ",
                                                 absl::StripPrefix(checked.message(), "config.json: ")));
}

}  // namespace

absl::StatusOr<DescribedModel> DescribeWeights(const NamedTensors& tensors, const ImportOptions& options,
                                               const GivenNames& names) {
  MAE_RETURN_IF_ERROR(CheckImportOptions(options));
  const Weights weights(tensors, names);
  DescribedModel model;
  EncoderOptions encoder;
  MAE_RETURN_IF_ERROR(SetPatches(weights, options, encoder));
  MAE_ASSIGN_OR_RETURN(const Stack stack, weights.Describe("blocks."));
  encoder.embed_dim = stack.width, encoder.depth = stack.depth;
  encoder.mlp_ratio = stack.mlp_ratio(), encoder.qkv_bias = stack.qkv_bias;
  encoder.layer_norm_eps = options.layer_norm_eps.value_or(kOfficialEps);
  MAE_RETURN_IF_ERROR(SetHeads(stack, options, encoder, model));
  MAE_ASSIGN_OR_RETURN(const auto positions, weights.Get("pos_embed", kPositions));
  const bool fixed = IsSinCos(positions, encoder);
  encoder.position_embedding = fixed ? PositionEmbedding::kSinCos : PositionEmbedding::kLearned;

  const bool autoencoder = weights.Has("decoder_pred.weight") && !weights.Has("head.weight");
  MAE_RETURN_IF_ERROR(autoencoder ? DescribeAutoencoder(weights, options, stack, encoder, model)
                                  : DescribeClassifier(weights, encoder, model));
  MAE_RETURN_IF_ERROR(SetStatistics(options, model));
  const auto* classifier = std::get_if<VisionTransformerOptions>(&model.config.model);
  MAE_RETURN_IF_ERROR(SetLabels(options, classifier == nullptr ? 0 : classifier->num_classes, model.config));
  MAE_RETURN_IF_ERROR(CheckSizes(model.config));
  MAE_RETURN_IF_ERROR(CheckFit(weights.all(), model.config, names));
  MAE_RETURN_IF_ERROR(SortOut(weights, model));
  MAE_RETURN_IF_ERROR(CheckHoldsParameters(weights, model.config));
  return model;
}

}  // namespace mae
