#include "options/model_json.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

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

EncoderOptions EncoderFrom(const json& j) {
  EncoderOptions o;
  j.at("channels").get_to(o.channels);
  j.at("image_height").get_to(o.image_height);
  j.at("image_width").get_to(o.image_width);
  j.at("patch_size").get_to(o.patch_size);
  j.at("embed_dim").get_to(o.embed_dim);
  j.at("depth").get_to(o.depth);
  j.at("num_heads").get_to(o.num_heads);
  j.at("mlp_ratio").get_to(o.mlp_ratio);
  j.at("qkv_bias").get_to(o.qkv_bias);
  j.at("layer_norm_eps").get_to(o.layer_norm_eps);
  const auto position = j.at("position_embedding").get<std::string>();
  if (position != "sincos" && position != "learned")
    throw std::invalid_argument("position_embedding: " + position);
  o.position_embedding = position == "learned" ? PositionEmbedding::kLearned : PositionEmbedding::kSinCos;
  return o;
}

ModelConfig ConfigFrom(const json& j) {
  ModelConfig config;
  const auto kind = j.at("kind").get<std::string>();
  const auto encoder = EncoderFrom(j.at("encoder"));
  if (kind == "masked_autoencoder") {
    const auto& d = j.at("decoder");
    config.model = MaskedAutoencoderOptions{
        encoder,
        {d.at("embed_dim").get<int64_t>(), d.at("depth").get<int64_t>(), d.at("num_heads").get<int64_t>()},
        j.at("mask_ratio").get<double>(),
        j.at("norm_pix_loss").get<bool>()};
  } else if (kind == "vision_transformer") {
    const auto pooling = j.at("pooling").get<std::string>();
    if (pooling != "mean" && pooling != "token") throw std::invalid_argument("pooling: " + pooling);
    config.model = VisionTransformerOptions{encoder, j.at("num_classes").get<int64_t>(),
                                            pooling == "token" ? Pooling::kToken : Pooling::kMean};
  } else {
    throw std::invalid_argument("kind: " + kind);
  }
  j.at("mean").get_to(config.mean);
  j.at("std").get_to(config.std_dev);
  j.at("labels").get_to(config.labels);
  return config;
}

// Runs a parser that throws, naming the file it speaks of.
template <typename Parse>
auto Parsed(const char* file, const std::string& text, Parse parse)
    -> absl::StatusOr<decltype(parse(json()))> {
  try {
    return parse(json::parse(text));
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
  }
  return j.dump(2) + "\n";
}

absl::StatusOr<ModelConfig> ModelConfigFromJson(const std::string& text) {
  return Parsed("config.json", text, ConfigFrom);
}

std::string ModelCardToJson(const ModelCard& card) {
  const json j = {{"job", card.job},       {"recipe", card.recipe},   {"dataset", card.dataset},
                  {"parent", card.parent}, {"metrics", card.metrics}, {"parameters", card.parameters},
                  {"sha256", card.sha256}};
  return j.dump(2) + "\n";
}

absl::StatusOr<ModelCard> ModelCardFromJson(const std::string& text) {
  return Parsed("card.json", text, [](const json& j) {
    ModelCard card;
    j.at("job").get_to(card.job);
    j.at("recipe").get_to(card.recipe);
    j.at("dataset").get_to(card.dataset);
    j.at("parent").get_to(card.parent);
    j.at("metrics").get_to(card.metrics);
    j.at("parameters").get_to(card.parameters);
    j.at("sha256").get_to(card.sha256);
    return card;
  });
}

}  // namespace mae
