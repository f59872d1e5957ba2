#include "options/model_json.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "options/shallow_json.h"

namespace mae {

using nlohmann::json;

namespace {

const char* NameOf(PositionEmbedding value) {
  return value == PositionEmbedding::kLearned ? "learned" : "sincos";
}
const char* NameOf(Pooling value) { return value == Pooling::kToken ? "token" : "mean"; }

json EncoderJson(const EncoderOptions& o) {
  return {{"channels", o.channels},
          {"image_height", o.image_height},
          {"image_width", o.image_width},
          {"patch_size", o.patch_size},
          {"embed_dim", o.embed_dim},
          {"depth", o.depth},
          {"num_heads", o.num_heads},
          {"mlp_ratio", o.mlp_ratio},
          {"qkv_bias", o.qkv_bias},
          {"layer_norm_eps", o.layer_norm_eps},
          {"position_embedding", NameOf(o.position_embedding)}};
}

// The members of one JSON object, read strictly: nlohmann's own get() cuts 1.5 to 1 and names no key.
// Every read throws std::invalid_argument "encoder.depth: …".
class Members {
 public:
  explicit Members(const json& object, std::string path = "") : object_(object), path_(std::move(path)) {}

  Members Inside(const char* key) const {
    if (!At(key).is_object()) Refuse(key, "an object");
    return Members(At(key), absl::StrCat(path_, key, "."));
  }

  bool Has(const char* key) const { return object_.contains(key); }
  int64_t Integer(const char* key) const {
    const json& value = At(key);
    // Unsigned values beyond int64 would turn negative.
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX))
      Refuse(key, "a whole number");
    return value.get<int64_t>();
  }
  double Number(const char* key) const {
    if (!At(key).is_number()) Refuse(key, "a number");
    return At(key).get<double>();
  }
  bool Truth(const char* key) const {
    if (!At(key).is_boolean()) Refuse(key, "true or false");
    return At(key).get<bool>();
  }
  std::string Text(const char* key) const {
    if (!At(key).is_string()) Refuse(key, "a string");
    return At(key).get<std::string>();
  }
  // Whether the text is `second`; it may be `first` otherwise, and nothing else.
  bool IsSecond(const char* key, const char* first, const char* second) const {
    const auto text = Text(key);
    if (text != first && text != second) Refuse(key, absl::StrCat(first, " or ", second));
    return text == second;
  }
  std::vector<double> Numbers(const char* key) const {
    return List<double>(key, "a list of numbers", [](const json& item) { return item.is_number(); });
  }
  std::vector<std::string> Texts(const char* key) const {
    return List<std::string>(key, "a list of strings", [](const json& item) { return item.is_string(); });
  }
  std::map<std::string, double> NamedNumbers(const char* key) const {
    const Members inside = Inside(key);
    std::map<std::string, double> numbers;
    for (const auto& [name, value] : inside.object_.items()) numbers[name] = inside.Number(name.c_str());
    return numbers;
  }

 private:
  const json& At(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) throw std::invalid_argument(absl::StrCat(path_, key, ": is missing"));
    return *found;
  }
  [[noreturn]] void Refuse(const char* key, const std::string& expected) const {
    throw std::invalid_argument(absl::StrCat(path_, key, ": expects ", expected, ", not ", At(key).dump()));
  }
  template <typename Item, typename IsItem>
  std::vector<Item> List(const char* key, const char* expected, IsItem is_item) const {
    const json& list = At(key);
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_item)) Refuse(key, expected);
    return list.get<std::vector<Item>>();
  }

  const json& object_;
  std::string path_;
};

EncoderOptions EncoderFrom(const Members& members) {
  EncoderOptions o;
  o.channels = members.Integer("channels");
  o.image_height = members.Integer("image_height");
  o.image_width = members.Integer("image_width");
  o.patch_size = members.Integer("patch_size");
  o.embed_dim = members.Integer("embed_dim");
  o.depth = members.Integer("depth");
  o.num_heads = members.Integer("num_heads");
  o.mlp_ratio = members.Number("mlp_ratio");
  o.qkv_bias = members.Truth("qkv_bias");
  o.layer_norm_eps = members.Number("layer_norm_eps");
  o.position_embedding = members.IsSecond("position_embedding", "sincos", "learned")
                             ? PositionEmbedding::kLearned
                             : PositionEmbedding::kSinCos;
  return o;
}

DecoderOptions DecoderFrom(const Members& members) {
  return {members.Integer("embed_dim"), members.Integer("depth"), members.Integer("num_heads")};
}

ModelConfig ConfigFrom(const json& j) {
  const Members members(j);
  // A config written by hand may leave the format out.
  if (const auto format = members.Has("format") ? members.Integer("format") : 1; format != 1)
    throw std::invalid_argument(absl::StrCat("format: is ", format, "; this version reads 1"));
  const bool classifier = members.IsSecond("kind", "masked_autoencoder", "vision_transformer");
  const auto encoder = EncoderFrom(members.Inside("encoder"));
  ModelConfig config;
  if (classifier) {
    const auto pooling = members.IsSecond("pooling", "mean", "token") ? Pooling::kToken : Pooling::kMean;
    // Most classifiers have no word on the head.
    const bool batch_norm = members.Has("head") && members.IsSecond("head", "linear", "batch_norm_linear");
    config.model =
        VisionTransformerOptions{encoder, members.Integer("num_classes"), pooling, 0.0, batch_norm};
  } else {
    config.model = MaskedAutoencoderOptions{encoder, DecoderFrom(members.Inside("decoder")),
                                            members.Number("mask_ratio"), members.Truth("norm_pix_loss")};
  }
  config.mean = members.Numbers("mean");
  config.std_dev = members.Numbers("std");
  config.labels = members.Texts("labels");
  return config;
}

// A label of bytes that are no UTF-8 must not throw here.
std::string Printed(const json& j) {
  return j.dump(2, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + "\n";
}

// Runs a parser that throws, naming the file it speaks of.
template <typename Parse>
auto Parsed(const char* file, const std::string& text, Parse parse)
    -> absl::StatusOr<decltype(parse(json()))> {
  try {
    const json object = ParseShallowJson(text);
    if (!object.is_object()) throw std::invalid_argument("not a JSON object");
    return parse(object);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": ", error.what()));
  }
}

}  // namespace

std::string ModelConfigToJson(const ModelConfig& config) {
  json j = {{"format", 1},         {"kind", config.kind_name()}, {"encoder", EncoderJson(config.encoder())},
            {"mean", config.mean}, {"std", config.std_dev},      {"labels", config.labels}};
  if (const auto* mae = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    j["decoder"] = {{"embed_dim", mae->decoder.embed_dim},
                    {"depth", mae->decoder.depth},
                    {"num_heads", mae->decoder.num_heads}};
    j["mask_ratio"] = mae->mask_ratio;
    j["norm_pix_loss"] = mae->norm_pix_loss;
  } else {
    const auto& vit = std::get<VisionTransformerOptions>(config.model);
    j["num_classes"] = vit.num_classes;
    j["pooling"] = NameOf(vit.pooling);
    if (vit.batch_norm_head) j["head"] = "batch_norm_linear";
  }
  return Printed(j);
}

absl::StatusOr<ModelConfig> ModelConfigFromJson(const std::string& text) {
  return Parsed("config.json", text, ConfigFrom);
}

std::string ModelCardToJson(const ModelCard& card) {
  json metrics = json::object();
  for (const auto& [name, value] : card.metrics) {
    if (std::isfinite(value)) metrics[name] = value;
  }
  json j = {{"job", card.job},       {"recipe", card.recipe}, {"dataset", card.dataset},
            {"parent", card.parent}, {"metrics", metrics},    {"parameters", card.parameters},
            {"sha256", card.sha256}};
  if (!card.source.empty()) j["source"] = card.source;
  if (!card.license.empty()) j["license"] = card.license;
  return Printed(j);
}

absl::StatusOr<ModelCard> ModelCardFromJson(const std::string& text) {
  return Parsed("card.json", text, [](const json& j) {
    const Members members(j);
    ModelCard card;
    card.job = members.Text("job");
    card.recipe = members.Text("recipe");
    card.dataset = members.Text("dataset");
    card.parent = members.Text("parent");
    card.metrics = members.NamedNumbers("metrics");
    card.parameters = members.Integer("parameters");
    card.sha256 = members.Text("sha256");
    // Imported models alone have these.
    if (members.Has("source")) card.source = members.Text("source");
    if (members.Has("license")) card.license = members.Text("license");
    return card;
  });
}

}  // namespace mae
