#include "interop/model_export.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/durable_file_writer.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/safetensors.h"
#include "interop/config_files.h"
#include "interop/model_readme.h"
#include "interop/pth_file.h"
#include "interop/weight_names.h"
#include "options/model_json.h"

namespace mae {
namespace {

absl::Status WriteHuggingFace(const NamedTensors& tensors, const ModelConfig& config,
                              const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(const std::string json, HuggingFaceConfig(config));
  MAE_ASSIGN_OR_RETURN(const NamedTensors theirs, ToHuggingFaceNames(tensors));
  MAE_RETURN_IF_ERROR(WriteSafetensors(out / "model.safetensors", theirs).status());
  MAE_RETURN_IF_ERROR(WriteFileDurably(out / "preprocessor_config.json", HuggingFacePreprocessor(config)));
  return WriteFileDurably(out / "config.json", json);
}

// timm takes a file with a mask token for one of DINOv2, so a decoder must not go along.
absl::Status WriteTimm(NamedTensors tensors, const ModelConfig& config, const std::filesystem::path& out) {
  std::erase_if(tensors, [](const auto& item) {
    return item.first == "mask_token" || item.first.starts_with("decoder_");
  });
  MAE_RETURN_IF_ERROR(WriteSafetensors(out / "model.safetensors", tensors).status());
  return WriteFileDurably(out / "config.json", TimmConfig(config));
}

absl::Status WriteTorch(const NamedTensors& tensors, const ModelConfig& config,
                        const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(DurableFileWriter writer, DurableFileWriter::Create(out / "checkpoint.pth"));
  MAE_RETURN_IF_ERROR(WritePth(tensors, [&writer](std::string_view bytes) { return writer.Append(bytes); }));
  MAE_RETURN_IF_ERROR(writer.Commit().status());
  return WriteFileDurably(out / "config.json", ModelConfigToJson(config));
}

absl::Status WriteOfficial(const NamedTensors& tensors, const ModelConfig& config,
                           const std::filesystem::path& out) {
  MAE_RETURN_IF_ERROR(WriteSafetensors(out / "model.safetensors", tensors).status());
  return WriteFileDurably(out / "config.json", ModelConfigToJson(config));
}

absl::Status WriteWeights(const NamedTensors& tensors, ExportFormat format, const ModelConfig& config,
                          const std::filesystem::path& out) {
  switch (format) {
    case ExportFormat::kHuggingFace:
      return WriteHuggingFace(tensors, config, out);
    case ExportFormat::kTimm:
      return WriteTimm(tensors, config, out);
    case ExportFormat::kPth:
      return WriteTorch(tensors, config, out);
    case ExportFormat::kOfficial:
      break;
  }
  return WriteOfficial(tensors, config, out);
}

}  // namespace

absl::Status ExportModelFiles(const std::filesystem::path& model_folder, ExportFormat format,
                              const ModelStory& story, const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(const ModelConfig config, ReadModelConfig(model_folder));
  MAE_ASSIGN_OR_RETURN(const Safetensors weights, ReadSafetensors(model_folder / "model.safetensors"));
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) return SystemError("make folder", out, error.value());
  MAE_RETURN_IF_ERROR(WriteWeights(weights.tensors, format, config, out));
  return WriteFileDurably(out / "README.md", ModelReadme(format, config, story));
}

}  // namespace mae
