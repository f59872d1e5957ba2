#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "interop/config_files.h"
#include "options/model_json.h"
#include "options/shallow_json.h"

namespace mae {
namespace {

using nlohmann::json;

constexpr int64_t kMaxConfigBytes = int64_t{16} << 20;
constexpr int64_t kMaxLabels = 1'000'000;

[[noreturn]] void RefuseKey(absl::string_view key, absl::string_view expected, const json& found) {
  throw std::invalid_argument(
      absl::StrCat(key, ": expects ", expected, ", not ",
                   found.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 100)));
}

std::optional<int64_t> IntegerAt(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (!found->is_number_integer()) RefuseKey(key, "a whole number", *found);
  return found->get<int64_t>();
}

std::optional<double> NumberAt(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (!found->is_number()) RefuseKey(key, "a number", *found);
  return found->get<double>();
}

std::optional<bool> TruthAt(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (!found->is_boolean()) RefuseKey(key, "true or false", *found);
  return found->get<bool>();
}

std::string TextAt(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  if (!found->is_string()) RefuseKey(key, "a string", *found);
  return found->get<std::string>();
}

std::vector<double> NumbersAt(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_array()) RefuseKey(key, "a list of numbers", *found);
  for (const auto& item : *found) {
    if (!item.is_number()) RefuseKey(key, "a list of numbers", *found);
  }
  return found->get<std::vector<double>>();
}

const json& ObjectAt(const json& object, const char* key) {
  static const json empty = json::object();
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return empty;
  if (!found->is_object()) RefuseKey(key, "an object", *found);
  return *found;
}

// One number for a square, or [height, width].
void SetImageSize(const json& object, const char* key, ImportOptions& options) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return;
  const bool pair = found->is_array() && found->size() == 2 && (*found)[0].is_number_integer() &&
                    (*found)[1].is_number_integer();
  if (!pair && !found->is_number_integer()) RefuseKey(key, "a whole number or two", *found);
  options.image_height = pair ? (*found)[0].get<int64_t>() : found->get<int64_t>();
  options.image_width = pair ? (*found)[1].get<int64_t>() : found->get<int64_t>();
}

// {"0": "cat", "1": "dog"} in order; nothing for the placeholders that transformers writes, or with holes.
std::vector<std::string> LabelsOf(const json& ids) {
  std::vector<std::string> labels;
  if (ids.size() > static_cast<size_t>(kMaxLabels)) return labels;
  bool placeholders = true;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string id = std::to_string(i);
    if (!ids.contains(id) || !ids[id].is_string()) return {};
    labels.push_back(ids[id].get<std::string>());
    placeholders = placeholders && labels.back() == "LABEL_" + id;
  }
  return placeholders ? std::vector<std::string>() : labels;
}

ImportOptions FromTransformers(const json& config) {
  constexpr double kTheirEps = 1e-12;  // what their configs mean when they say nothing
  constexpr int64_t kTheirHeads = 12, kTheirDecoderHeads = 16;
  const auto type = TextAt(config, "model_type");
  if (type != "vit_mae" && type != "vit") {
    throw std::invalid_argument(absl::StrCat("model_type: is ", type, "; vit_mae and vit are read"));
  }
  const auto activation = TextAt(config, "hidden_act");
  if (!activation.empty() && activation != "gelu") {
    throw std::invalid_argument(absl::StrCat("hidden_act: is ", activation, "; models here have gelu"));
  }
  ImportOptions options;
  options.num_heads = IntegerAt(config, "num_attention_heads").value_or(kTheirHeads);
  if (type == "vit_mae") {
    options.decoder_num_heads = IntegerAt(config, "decoder_num_attention_heads").value_or(kTheirDecoderHeads);
  }
  SetImageSize(config, "image_size", options);
  options.layer_norm_eps = NumberAt(config, "layer_norm_eps").value_or(kTheirEps);
  options.mask_ratio = NumberAt(config, "mask_ratio");
  options.norm_pix_loss = TruthAt(config, "norm_pix_loss");
  options.labels = LabelsOf(ObjectAt(config, "id2label"));
  options.origins = {
      {"num_heads", "num_attention_heads"}, {"decoder_num_heads", "decoder_num_attention_heads"},
      {"image_height", "image_size"},       {"layer_norm_eps", "layer_norm_eps"},
      {"mask_ratio", "mask_ratio"},         {"labels", "id2label"}};
  return options;
}

// Both forms: of a hub's file, and what create_model was told.
ImportOptions FromTimm(const json& config) {
  ImportOptions options;
  const json& arguments = ObjectAt(config, "model_args");
  const json& pretrained = ObjectAt(config, "pretrained_cfg");
  options.num_heads = IntegerAt(arguments, "num_heads");
  SetImageSize(arguments, "img_size", options);
  options.mean = NumbersAt(pretrained, "mean");
  options.std_dev = NumbersAt(pretrained, "std");
  const auto labels = pretrained.find("label_names");
  if (labels != pretrained.end() && labels->is_array() &&
      std::all_of(labels->begin(), labels->end(), [](const json& l) { return l.is_string(); })) {
    options.labels = labels->get<std::vector<std::string>>();
  }
  options.origins = {{"num_heads", "model_args.num_heads"},
                     {"image_height", "model_args.img_size"},
                     {"mean", "pretrained_cfg.mean"},
                     {"std", "pretrained_cfg.std"},
                     {"labels", "pretrained_cfg.label_names"}};
  return options;
}

ImportOptions FromOurs(const std::string& text) {
  const auto config = ModelConfigFromJson(text);
  if (!config.ok()) throw std::invalid_argument(std::string(config.status().message()));
  const auto& encoder = config->encoder();
  ImportOptions options;
  options.num_heads = encoder.num_heads;
  options.image_height = encoder.image_height;
  options.image_width = encoder.image_width;
  options.layer_norm_eps = encoder.layer_norm_eps;
  if (const auto* mae = std::get_if<MaskedAutoencoderOptions>(&config->model)) {
    options.decoder_num_heads = mae->decoder.num_heads;
    options.mask_ratio = mae->mask_ratio;
    options.norm_pix_loss = mae->norm_pix_loss;
  }
  options.mean = config->mean;
  options.std_dev = config->std_dev;
  options.labels = config->labels;
  options.origins = {{"num_heads", "encoder.num_heads"},
                     {"decoder_num_heads", "decoder.num_heads"},
                     {"image_height", "encoder.image_height"},
                     {"layer_norm_eps", "encoder.layer_norm_eps"},
                     {"mask_ratio", "mask_ratio"},
                     {"mean", "mean"},
                     {"std", "std"},
                     {"labels", "labels"}};
  return options;
}

ImportOptions FromConfig(const std::string& text) {
  const json config = ParseShallowJson(text);
  if (!config.is_object()) throw std::invalid_argument("is no JSON object");
  if (config.contains("model_type")) return FromTransformers(config);
  if (config.contains("architecture")) return FromTimm(config);
  if (config.contains("kind")) return FromOurs(text);
  throw std::invalid_argument(
      "has neither model_type (transformers), architecture (timm) nor kind (mae_server)");
}

ImportOptions FromPreprocessor(const std::string& text) {
  const json config = ParseShallowJson(text);
  if (!config.is_object()) throw std::invalid_argument("is no JSON object");
  ImportOptions options;
  options.mean = NumbersAt(config, "image_mean");
  options.std_dev = NumbersAt(config, "image_std");
  options.origins = {{"mean", "image_mean"}, {"std", "image_std"}};
  if (TruthAt(config, "do_normalize").value_or(true)) return options;
  const size_t channels = options.mean.empty() ? 3 : options.mean.size();  // three is their default
  options.mean.assign(channels, 0.0);
  options.std_dev.assign(channels, 1.0);
  return options;
}

// Nothing if there is no such file.
template <typename Read>
absl::StatusOr<ImportOptions> ReadOne(const std::filesystem::path& path, Read read) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return ImportOptions{};
  MAE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxConfigBytes));
  const std::string file = path.filename().string();
  try {
    ImportOptions options = read(text);
    for (auto& [option, key] : options.origins) key = absl::StrCat(file, ": ", key);
    return options;
  } catch (const std::exception& fault) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": ", fault.what()));
  }
}

template <typename T>
bool IsSaid(const std::optional<T>& value) {
  return value.has_value();
}
template <typename T>
bool IsSaid(const std::vector<T>& value) {
  return !value.empty();
}

// Takes single options of `found` that `given` has not, with where they are from.
class Completion {
 public:
  Completion(ImportOptions& given, const ImportOptions& found) : given_(given), found_(found) {}

  template <typename T>
  void Fill(const char* option, T ImportOptions::*value) {
    if (IsSaid(given_.*value) || !IsSaid(found_.*value)) return;
    given_.*value = found_.*value;
    const auto origin = found_.origins.find(option);
    if (origin != found_.origins.end()) given_.origins[option] = origin->second;
  }

 private:
  ImportOptions& given_;
  const ImportOptions& found_;
};

}  // namespace

absl::StatusOr<ImportOptions> ReadConfigFiles(const std::filesystem::path& folder) {
  MAE_ASSIGN_OR_RETURN(auto options, ReadOne(folder / "config.json", FromConfig));
  MAE_ASSIGN_OR_RETURN(const auto images, ReadOne(folder / "preprocessor_config.json", FromPreprocessor));
  return Completed(std::move(options), images);
}

ImportOptions Completed(ImportOptions given, const ImportOptions& found) {
  Completion completion(given, found);
  // A preset that was asked for by name counts for more than the file.
  if (given.preset.empty()) {
    completion.Fill("num_heads", &ImportOptions::num_heads);
    completion.Fill("decoder_num_heads", &ImportOptions::decoder_num_heads);
  }
  if (!given.image_height && !given.image_width) {
    completion.Fill("image_height", &ImportOptions::image_height);
    completion.Fill("image_height", &ImportOptions::image_width);
  }
  completion.Fill("layer_norm_eps", &ImportOptions::layer_norm_eps);
  completion.Fill("mask_ratio", &ImportOptions::mask_ratio);
  completion.Fill("norm_pix_loss", &ImportOptions::norm_pix_loss);
  completion.Fill("mean", &ImportOptions::mean);
  completion.Fill("std", &ImportOptions::std_dev);
  completion.Fill("labels", &ImportOptions::labels);
  return given;
}

}  // namespace mae
