#include "server/oip_signature.h"

#include <algorithm>

namespace mae {
namespace {

using enum inference::DataType;

const TensorSpec* FindTensor(const std::vector<TensorSpec>& tensors, std::string_view name) {
  const auto it = std::find_if(tensors.begin(), tensors.end(),
                               [&](const TensorSpec& tensor) { return tensor.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

std::vector<TensorSpec> InputsOf(const EncoderOptions& encoder, InferenceTask task) {
  std::vector<TensorSpec> inputs = {
      {std::string(kImagesInput), TYPE_STRING, {}},
      {std::string(kPixelsInput), TYPE_UINT8, {-1, -1, -1}},
      {std::string(kPixelValuesInput),
       TYPE_FP32,
       {encoder.channels, encoder.image_height, encoder.image_width},
       true,
       false,
       {TYPE_FP16, TYPE_BF16}},
  };
  if (task == InferenceTask::kReconstruct) {
    inputs.push_back({std::string(kMaskInput), TYPE_BOOL, {encoder.num_patches()}, /*by_image=*/false});
  }
  return inputs;
}

std::vector<TensorSpec> ReconstructOutputs(const EncoderOptions& encoder) {
  const auto patches = encoder.num_patches();
  return {
      {"loss", TYPE_FP32, {}, true, true},
      {"mask", TYPE_BOOL, {patches}, true, true},
      {"ids_restore", TYPE_INT64, {patches}, true, true},
      {"pixels", TYPE_FP32, {encoder.channels, encoder.image_height, encoder.image_width}, true, true},
      {"image_index", TYPE_INT64, {}},
      {"mask_ratio", TYPE_FP32, {}},
      {"prediction", TYPE_FP32, {patches, encoder.patch_dim()}},
      {"original", TYPE_STRING, {}},
      {"masked", TYPE_STRING, {}},
      {"reconstruction", TYPE_STRING, {}},
      {"pasted", TYPE_STRING, {}},
      {"panel", TYPE_STRING, {}},
  };
}

std::vector<TensorSpec> ClassifyOutputs(int64_t classes) {
  return {
      {"probabilities", TYPE_FP32, {classes}, true, true},
      {"logits", TYPE_FP32, {classes}, true, true},
      {"top_indices", TYPE_INT64, {-1}, true, true},
      {"top_labels", TYPE_STRING, {-1}, true, true},
  };
}

std::vector<TensorSpec> EmbedOutputs(const EncoderOptions& encoder) {
  const auto rows = encoder.grid_rows(), cols = encoder.grid_cols();
  return {
      {"embedding", TYPE_FP32, {encoder.embed_dim}, true, true},
      {"patch_embeddings", TYPE_FP32, {encoder.num_patches(), encoder.embed_dim}},
      {"attention", TYPE_FP32, {encoder.num_heads, rows, cols}},
      {"attention_mean", TYPE_FP32, {rows, cols}},
      {"attention_mean_picture", TYPE_STRING, {}},
      {"attention_head_pictures", TYPE_STRING, {encoder.num_heads}},
      {"attention_panel", TYPE_STRING, {}},
  };
}

}  // namespace

const TensorSpec* ModelSignature::FindInput(std::string_view name) const { return FindTensor(inputs, name); }

const TensorSpec* ModelSignature::FindOutput(std::string_view name) const {
  return FindTensor(outputs, name);
}

ModelSignature SignatureOf(const mae::ModelConfig& config, InferenceTask task) {
  const EncoderOptions& encoder = config.encoder();
  ModelSignature signature{InputsOf(encoder, task), {}};
  switch (task) {
    case InferenceTask::kReconstruct:
      signature.outputs = ReconstructOutputs(encoder);
      break;
    case InferenceTask::kClassify:
      signature.outputs = ClassifyOutputs(std::get<VisionTransformerOptions>(config.model).num_classes);
      break;
    case InferenceTask::kEmbed:
      signature.outputs = EmbedOutputs(encoder);
      break;
  }
  return signature;
}

}  // namespace mae
