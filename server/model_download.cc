#include "server/model_download.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "interop/model_export.h"
#include "server/disk_space.h"
#include "server/field_status.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr int64_t kPieceBytes = 512 << 10;  // with its envelope within the smallest rpc.max_message_mib

absl::StatusOr<ExportFormat> FormatOf(v1::ExportModelRequest::Format format) {
  switch (format) {
    case v1::ExportModelRequest::OFFICIAL:
      return ExportFormat::kOfficial;
    case v1::ExportModelRequest::HUGGING_FACE:
      return ExportFormat::kHuggingFace;
    case v1::ExportModelRequest::TIMM:
      return ExportFormat::kTimm;
    case v1::ExportModelRequest::PTH:
      return ExportFormat::kPth;
    default:
      return InvalidField("format", "is none of OFFICIAL, HUGGING_FACE, TIMM, PTH");
  }
}

// Names the field in FAILED_PRECONDITION too: another format helps.
absl::Status WithFormat(const absl::Status& status) {
  if (!absl::IsFailedPrecondition(status) || !absl::StartsWith(status.message(), "format: ")) return status;
  return WithFieldViolations(status,
                             {{"format", std::string(status.message().substr(sizeof("format: ") - 1))}});
}

}  // namespace

absl::Status ModelDownload::Prepare(const v1::ExportModelRequest& request, const ModelStore& store,
                                    const CurvesOfJob& curves) {
  MAE_ASSIGN_OR_RETURN(const ExportFormat format, FormatOf(request.format()));
  const auto version = store.Resolve(request.name());
  if (!version.ok()) return WithField(version.status(), {{"model", "name"}});
  MAE_ASSIGN_OR_RETURN(folder_, TransferFolder::Make(root_));
  std::error_code error;
  const auto bytes = std::filesystem::file_size(version->folder / "model.safetensors", error);
  if (error) return SystemError("examine", version->folder / "model.safetensors", error.value());
  MAE_RETURN_IF_ERROR(CheckDiskSpace(folder_.path(), static_cast<int64_t>(bytes), disk_reserve_));
  const ModelStory story{version->resource_name(),
                         absl::FormatTime("%Y-%m-%d %H:%M UTC", version->created, absl::UTCTimeZone()),
                         version->card, curves(version->card.job)};
  MAE_RETURN_IF_ERROR(WithFormat(ExportModelFiles(version->folder, format, story, folder_ / "files")));
  header_.set_model_version(version->resource_name());
  return ListFiles();
}

absl::Status ModelDownload::ListFiles() {
  std::error_code error;
  std::map<std::string, int64_t> files;
  for (std::filesystem::directory_iterator it(folder_ / "files", error), end; !error && it != end;) {
    files[it->path().filename()] = static_cast<int64_t>(it->file_size(error));
    if (!error) it.increment(error);
  }
  if (error) return SystemError("list", folder_ / "files", error.value());
  for (const auto& [name, bytes] : files) {
    auto* file = header_.add_files();
    file->set_name(name);
    file->set_bytes(bytes);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ModelDownload::Next(v1::ExportModelResponse& response) {
  if (!sent_header_) {
    sent_header_ = true;
    *response.mutable_header() = header_;
    return true;
  }
  while (left_ == 0) {
    if (current_ == header_.files_size()) return false;
    const auto& next = header_.files(current_++);
    file_ = std::ifstream(folder_ / "files" / next.name(), std::ios::binary);
    left_ = next.bytes();
  }
  const int64_t size = std::min(left_, kPieceBytes);
  auto* piece = response.mutable_piece();
  piece->set_file(header_.files(current_ - 1).name());
  piece->mutable_data()->resize(static_cast<size_t>(size));
  if (!file_.read(piece->mutable_data()->data(), size)) {
    return absl::DataLossError(absl::StrCat("the server can't read ", piece->file(), " again"));
  }
  left_ -= size;
  return true;
}

}  // namespace mae
