#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "interop/config_files.h"

namespace mae {
namespace {

using ordered = nlohmann::ordered_json;

std::string Indented(const ordered& config) {
  return config.dump(2, ' ', false, ordered::error_handler_t::replace) + "\n";
}

// timm cuts width * ratio to a whole number where models here round it.
double TimmRatio(const EncoderOptions& encoder) {
  const auto width = static_cast<double>(encoder.embed_dim);
  const int64_t hidden = encoder.hidden_width(encoder.embed_dim);
  const double ratio = static_cast<double>(hidden) / width;
  return static_cast<int64_t>(width * ratio) < hidden ? std::nextafter(ratio, HUGE_VAL) : ratio;
}

absl::Status CheckTransformersHasIt(const ModelConfig& config) {
  const auto& encoder = config.encoder();
  if (encoder.image_height != encoder.image_width) {
    return absl::FailedPreconditionError(
        absl::StrCat("format: the ViT models of transformers take square images, this one ",
                     encoder.image_height, "x", encoder.image_width, "; export as official or pth"));
  }
  const auto* classifier = std::get_if<VisionTransformerOptions>(&config.model);
  if (classifier == nullptr || classifier->pooling == Pooling::kToken) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "format: transformers has no ViT classifier over the mean of the patch tokens, which this model is; "
      "export "
      "as timm, official or pth");
}

ordered EncoderConfig(const EncoderOptions& encoder) {
  return {{"hidden_size", encoder.embed_dim},
          {"num_hidden_layers", encoder.depth},
          {"num_attention_heads", encoder.num_heads},
          {"intermediate_size", encoder.hidden_width(encoder.embed_dim)},
          {"hidden_act", "gelu"},
          {"hidden_dropout_prob", 0.0},
          {"attention_probs_dropout_prob", 0.0},
          {"initializer_range", 0.02},
          {"layer_norm_eps", encoder.layer_norm_eps},
          {"image_size", encoder.image_height},
          {"patch_size", encoder.patch_size},
          {"num_channels", encoder.channels},
          {"qkv_bias", encoder.qkv_bias}};
}

void AddDecoder(const MaskedAutoencoderOptions& model, ordered& config) {
  const auto& decoder = model.decoder;
  config["decoder_num_attention_heads"] = decoder.num_heads;
  config["decoder_hidden_size"] = decoder.embed_dim;
  config["decoder_num_hidden_layers"] = decoder.depth;
  config["decoder_intermediate_size"] = model.encoder.hidden_width(decoder.embed_dim);
  config["mask_ratio"] = model.mask_ratio;
  config["norm_pix_loss"] = model.norm_pix_loss;
}

void AddLabels(const ModelConfig& config, int64_t classes, ordered& out) {
  // Maps, as an ordered object is searched from its beginning for each key.
  auto names = nlohmann::json::object(), ids = nlohmann::json::object();
  const bool named = static_cast<int64_t>(config.labels.size()) == classes;
  for (int64_t i = 0; i < classes; ++i) {
    const std::string name = named ? config.labels[static_cast<size_t>(i)] : absl::StrCat("LABEL_", i);
    names[absl::StrCat(i)] = name;
    ids[name] = i;
  }
  out["id2label"] = names;
  out["label2id"] = ids;
}

// A public name of timm whose class and grid fit; its arguments then say the rest.
const char* TimmArchitecture(const EncoderOptions& encoder) {
  switch (encoder.embed_dim) {
    case 192:
      return "vit_tiny_patch16_224";
    case 384:
      return "vit_small_patch16_224";
    case 1024:
      return "vit_large_patch16_224";
    case 1280:
      return "vit_huge_patch14_224";
    default:
      return "vit_base_patch16_224";
  }
}

}  // namespace

absl::StatusOr<std::string> HuggingFaceConfig(const ModelConfig& config) {
  MAE_RETURN_IF_ERROR(CheckTransformersHasIt(config));
  ordered out = EncoderConfig(config.encoder());
  out["torch_dtype"] = "float32";
  if (const auto* mae = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    out["model_type"] = "vit_mae";
    out["architectures"] = {"ViTMAEForPreTraining"};
    AddDecoder(*mae, out);
    return Indented(out);
  }
  const auto classes = std::get<VisionTransformerOptions>(config.model).num_classes;
  out["model_type"] = "vit";
  out["architectures"] = {classes > 0 ? "ViTForImageClassification" : "ViTModel"};
  if (classes > 0) AddLabels(config, classes, out);
  return Indented(out);
}

std::string HuggingFacePreprocessor(const ModelConfig& config) {
  constexpr int kBicubic = 3;  // of PIL
  const auto& encoder = config.encoder();
  return Indented({{"image_processor_type", "ViTImageProcessor"},
                   {"do_resize", true},
                   {"size", {{"height", encoder.image_height}, {"width", encoder.image_width}}},
                   {"resample", kBicubic},
                   {"do_rescale", true},
                   {"rescale_factor", 1.0 / 255.0},
                   {"do_normalize", true},
                   {"image_mean", config.mean},
                   {"image_std", config.std_dev}});
}

std::string TimmConfig(const ModelConfig& config) {
  const auto& encoder = config.encoder();
  const auto* classifier = std::get_if<VisionTransformerOptions>(&config.model);
  const int64_t classes = classifier == nullptr ? 0 : classifier->num_classes;
  const bool mean = classifier != nullptr && classifier->pooling == Pooling::kMean;
  const ordered arguments = {{"img_size", {encoder.image_height, encoder.image_width}},
                             {"patch_size", encoder.patch_size},
                             {"in_chans", encoder.channels},
                             {"embed_dim", encoder.embed_dim},
                             {"depth", encoder.depth},
                             {"num_heads", encoder.num_heads},
                             {"mlp_ratio", TimmRatio(encoder)},
                             {"qkv_bias", encoder.qkv_bias},
                             {"global_pool", mean ? "avg" : "token"}};
  ordered pretrained = {{"input_size", {encoder.channels, encoder.image_height, encoder.image_width}},
                        {"fixed_input_size", true},
                        {"interpolation", "bicubic"},
                        {"crop_pct", 1.0},
                        {"mean", config.mean},
                        {"std", config.std_dev},
                        {"num_classes", classes},
                        {"first_conv", "patch_embed.proj"},
                        {"classifier", "head"}};
  if (!config.labels.empty()) pretrained["label_names"] = config.labels;
  return Indented({{"architecture", TimmArchitecture(encoder)},
                   {"num_classes", classes},
                   {"num_features", encoder.embed_dim},
                   {"global_pool", mean ? "avg" : "token"},
                   {"model_args", arguments},
                   {"pretrained_cfg", pretrained}});
}

}  // namespace mae
