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
#include "runtime/torch_status.h"

namespace mae {
namespace {

absl::StatusOr<NamedTensors> WeightsIn(const std::filesystem::path& model_folder) {
  MAE_ASSIGN_OR_RETURN(Safetensors weights, ReadSafetensors(model_folder / "model.safetensors"));
  return std::move(weights.tensors);
}

absl::Status WriteHuggingFace(const std::filesystem::path& model_folder, const ModelConfig& config,
                              const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(const std::string json, HuggingFaceConfig(config));
  MAE_ASSIGN_OR_RETURN(NamedTensors tensors, WeightsIn(model_folder));
  MAE_ASSIGN_OR_RETURN(tensors, FoldProbeHead(tensors));
  MAE_ASSIGN_OR_RETURN(tensors, ToHuggingFaceNames(tensors));
  MAE_RETURN_IF_ERROR(WriteSafetensors(out / "model.safetensors", tensors).status());
  MAE_RETURN_IF_ERROR(WriteFileDurably(out / "preprocessor_config.json", HuggingFacePreprocessor(config)));
  return WriteFileDurably(out / "config.json", json);
}

// timm takes a file with a mask token for one of DINOv2, so a decoder must not go along.
absl::Status WriteTimm(const std::filesystem::path& model_folder, const ModelConfig& config,
                       const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(NamedTensors tensors, WeightsIn(model_folder));
  std::erase_if(tensors, [](const auto& item) {
    return item.first == "mask_token" || item.first.starts_with("decoder_");
  });
  MAE_ASSIGN_OR_RETURN(tensors, FoldProbeHead(tensors));
  MAE_RETURN_IF_ERROR(WriteSafetensors(out / "model.safetensors", tensors).status());
  return WriteFileDurably(out / "config.json", TimmConfig(config));
}

absl::Status WriteTorch(const std::filesystem::path& model_folder, const ModelConfig& config,
                        const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(const NamedTensors tensors, WeightsIn(model_folder));
  MAE_ASSIGN_OR_RETURN(DurableFileWriter writer, DurableFileWriter::Create(out / "checkpoint.pth"));
  MAE_RETURN_IF_ERROR(WritePth(tensors, [&writer](std::string_view bytes) { return writer.Append(bytes); }));
  MAE_RETURN_IF_ERROR(writer.Commit().status());
  return WriteFileDurably(out / "config.json", ModelConfigToJson(config));
}

// The format that models here have.
absl::Status WriteOfficial(const std::filesystem::path& model_folder, const std::filesystem::path& out) {
  for (const char* name : {"model.safetensors", "config.json"}) {
    std::error_code error;
    std::filesystem::copy_file(model_folder / name, out / name,
                               std::filesystem::copy_options::overwrite_existing, error);
    if (error) return SystemError("copy", model_folder / name, error.value());
  }
  return absl::OkStatus();
}

absl::Status WriteFormat(const std::filesystem::path& model_folder, ExportFormat format,
                         const ModelConfig& config, const std::filesystem::path& out) {
  switch (format) {
    case ExportFormat::kHuggingFace:
      return WriteHuggingFace(model_folder, config, out);
    case ExportFormat::kTimm:
      return WriteTimm(model_folder, config, out);
    case ExportFormat::kPth:
      return WriteTorch(model_folder, config, out);
    case ExportFormat::kOfficial:
      break;
  }
  return WriteOfficial(model_folder, out);
}

}  // namespace

absl::Status ExportModelFiles(const std::filesystem::path& model_folder, ExportFormat format,
                              const ModelStory& story, const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(const ModelConfig config, ReadModelConfig(model_folder));
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) return SystemError("make folder", out, error.value());
  MAE_RETURN_IF_ERROR(
      CatchTorch("exporting", [&] { return WriteFormat(model_folder, format, config, out); }));
  return WriteFileDurably(out / "README.md", ModelReadme(format, config, story));
}

}  // namespace mae
