#include "server/model_upload.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "interop/model_import.h"
#include "server/disk_space.h"
#include "server/field_status.h"
#include "server/model_to_proto.h"
#include "server/status_to_grpc.h"
#include "serving/model_name.h"

namespace mae {
namespace {

constexpr int kMaxFiles = 3;
constexpr size_t kMaxCardText = 16384;
constexpr int64_t kCheckDiskBytes = int64_t{64} << 20;
constexpr int64_t kMaxSideFile = int64_t{16} << 20;
constexpr int64_t kDiskPerByte = 3;  // the file, and its values as float32

mae::ImportOptions OptionsOf(const v1::ImportOptions& message) {
  mae::ImportOptions options;
  options.preset = message.preset();
  if (message.has_num_heads()) options.num_heads = message.num_heads();
  if (message.has_decoder_num_heads()) options.decoder_num_heads = message.decoder_num_heads();
  if (message.has_image_height()) options.image_height = message.image_height();
  if (message.has_image_width()) options.image_width = message.image_width();
  if (message.has_layer_norm_eps()) options.layer_norm_eps = message.layer_norm_eps();
  if (message.has_mask_ratio()) options.mask_ratio = message.mask_ratio();
  if (message.has_norm_pix_loss()) options.norm_pix_loss = message.norm_pix_loss();
  options.mean.assign(message.mean().begin(), message.mean().end());
  options.std_dev.assign(message.std().begin(), message.std().end());
  options.labels.assign(message.labels().begin(), message.labels().end());
  options.source = message.source();
  options.license = message.license();
  return options;
}

// Fields of lib/ under the names that the request has.
absl::Status AsRequestFault(const absl::Status& status) {
  std::map<std::string, std::string> names;
  for (const char* field : {"preset", "num_heads", "decoder_num_heads", "image_height", "layer_norm_eps",
                            "mask_ratio", "mean", "std", "labels", "files"}) {
    names[field] = absl::StrCat("options.", field);
  }
  const std::string message(status.message());
  // Faults of files begin with the file's name, which is no field.
  return names.contains(message.substr(0, message.find(": "))) ? WithField(status, names) : status;
}

absl::Status CheckCardText(absl::string_view field, const std::string& text) {
  if (text.size() <= kMaxCardText) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", text.size(), " bytes; at most ", kMaxCardText, " are kept"));
}

absl::Status CheckNames(const v1::ImportOptions& options) {
  MAE_RETURN_IF_ERROR(CheckName("options.model", options.model()));
  MAE_RETURN_IF_ERROR(CheckAliases("options.aliases", {options.aliases().begin(), options.aliases().end()}));
  MAE_RETURN_IF_ERROR(CheckCardText("options.source", options.source()));
  return CheckCardText("options.license", options.license());
}

}  // namespace

absl::Status ModelUpload::Take(const v1::ImportModelRequest& request) {
  switch (request.part_case()) {
    case v1::ImportModelRequest::kOptions:
      return TakeOptions(request.options());
    case v1::ImportModelRequest::kPiece:
      return TakePiece(request.piece());
    default:
      return absl::InvalidArgumentError("part: neither options nor a piece of a file");
  }
}

absl::Status ModelUpload::TakeOptions(const v1::ImportOptions& options) {
  if (has_options_) return InvalidField("options", "were sent before; they are the first message alone");
  has_options_ = true;
  options_ = options;
  if (const auto named = CheckNames(options); !named.ok()) return WithField(named);
  MAE_RETURN_IF_ERROR(CheckFiles());
  MAE_ASSIGN_OR_RETURN(folder_, TransferFolder::Make(root_));
  MAE_RETURN_IF_ERROR(CheckDiskSpace(folder_.path(), AnnouncedBytes() * kDiskPerByte, disk_reserve_));
  std::error_code error;
  std::filesystem::create_directory(folder_ / "files", error);
  if (error) return absl::InternalError(absl::StrCat("the server can't make a folder: ", error.message()));
  return OpenNext();
}

absl::Status ModelUpload::CheckFiles() const {
  if (options_.files_size() < 1 || options_.files_size() > kMaxFiles) {
    return InvalidField("options.files", absl::StrCat(options_.files_size(), " files; 1 to ", kMaxFiles,
                                                      " make a model: weights, config.json and "
                                                      "preprocessor_config.json"));
  }
  std::set<std::string> names;
  int64_t total = 0;
  for (int i = 0; i < options_.files_size(); ++i) {
    const auto& file = options_.files(i);
    const auto field = absl::StrCat("options.files[", i, "].");
    const auto named = CheckImportFileName(file.name());
    if (!named.ok()) return WithField(named, {{"name", field + "name"}});
    if (!names.insert(file.name()).second) return InvalidField(field + "name", "is there twice");
    const int64_t limit = file.name().ends_with(".json") ? kMaxSideFile : max_bytes_;
    if (file.bytes() < 0 || file.bytes() > limit || file.bytes() > max_bytes_ - total) {
      return InvalidField(field + "bytes", absl::StrCat(file.bytes(), "; at most ",
                                                        std::min(limit, max_bytes_ - total), " are taken"));
    }
    total += file.bytes();
  }
  return absl::OkStatus();
}

absl::Status ModelUpload::OpenNext() {
  while (missing_ == 0) {
    file_.close();
    if (current_ >= 0 && !file_)
      return absl::ResourceExhaustedError("the server's disk took not all of a file");
    if (++current_ >= options_.files_size()) return absl::OkStatus();
    const auto& next = options_.files(current_);
    file_ = std::ofstream(folder_ / "files" / next.name(), std::ios::binary | std::ios::trunc);
    if (!file_) return absl::InternalError(absl::StrCat("the server can't write ", next.name()));
    missing_ = next.bytes();
  }
  return absl::OkStatus();
}

absl::Status ModelUpload::TakePiece(const v1::FilePiece& piece) {
  if (!has_options_) return InvalidField("options", "must be the first message");
  const bool more = current_ < options_.files_size();
  if (!more || piece.file() != options_.files(current_).name()) {
    return InvalidField("piece.file",
                        absl::StrCat("'", absl::CEscape(piece.file().substr(0, 128)), "' where ",
                                     more ? options_.files(current_).name() : "no file",
                                     " was to come: files come whole and in order"));
  }
  const auto size = static_cast<int64_t>(piece.data().size());
  // Would keep an import alive that does not go on.
  if (size == 0) return InvalidField("piece.data", "is empty");
  if (size > missing_) {
    return InvalidField("piece.data",
                        absl::StrCat(size, " bytes of ", piece.file(), " where ", missing_, " were to come"));
  }
  file_.write(piece.data().data(), size);
  if (!file_) {
    return absl::ResourceExhaustedError(absl::StrCat("the server's disk took not all of ", piece.file()));
  }
  missing_ -= size;
  MAE_RETURN_IF_ERROR(CheckDiskIfDue(size));
  return OpenNext();
}

// Others write to the same disk meanwhile.
absl::Status ModelUpload::CheckDiskIfDue(int64_t bytes) {
  unchecked_ += bytes;
  if (unchecked_ < kCheckDiskBytes) return absl::OkStatus();
  unchecked_ = 0;
  return CheckDiskSpace(folder_.path(), missing_, disk_reserve_);
}

int64_t ModelUpload::AnnouncedBytes() const {
  int64_t bytes = 0;
  for (const auto& file : options_.files()) bytes += file.bytes();
  return bytes;
}

absl::Status ModelUpload::CheckWhole() const {
  if (!has_options_) return InvalidField("options", "no message came");
  if (current_ >= options_.files_size()) return absl::OkStatus();
  const auto& file = options_.files(current_);
  return InvalidField("piece", absl::StrCat(file.name(), " ended ", missing_, " bytes before its ",
                                            file.bytes(), " were there; nothing was published"));
}

absl::Status ModelUpload::Publish(ModelStore& store, const std::function<bool()>& is_cancelled,
                                  v1::ImportModelResponse& response) {
  MAE_RETURN_IF_ERROR(CheckWhole());
  MAE_RETURN_IF_ERROR(CheckDiskSpace(folder_.path(), AnnouncedBytes(), disk_reserve_));
  const auto remarks = ImportModelFiles(folder_ / "files", OptionsOf(options_), folder_ / "model");
  if (!remarks.ok()) return AsRequestFault(remarks.status());
  if (is_cancelled()) return absl::CancelledError("the caller has gone; nothing was published");
  MAE_ASSIGN_OR_RETURN(const ModelVersion version,
                       store.Publish(folder_ / "model", options_.model(),
                                     {{options_.aliases().begin(), options_.aliases().end()}, ""}));
  *response.mutable_version() = ToProto(version, store);
  response.mutable_remarks()->Assign(remarks->begin(), remarks->end());
  return absl::OkStatus();
}

}  // namespace mae
