#include "server/dataset_upload.h"

#include <google/protobuf/util/message_differencer.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "data/dataset.h"
#include "data/dataset_path.h"
#include "server/dataset_to_proto.h"
#include "server/disk_space.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxSource = 128;

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::CHexEscape(text.substr(0, 128)), "'");
}

std::string HowFar(const v1::DatasetUpload& progress) {
  return absl::StrCat(progress.files(), " files with ", progress.bytes() + progress.offset(), " bytes");
}

absl::Status DiskTookNotAll(const std::string& path) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the server's disk took not all of ", path, "; ", DatasetUpload::kGivenUp));
}

// Feeds a digest with what is there of a file.
absl::Status DigestOf(const fs::path& path, DigestStream& digest) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> buffer(size_t{1} << 20);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
    digest.Append({buffer.data(), static_cast<size_t>(in.gcount())});
  }
  if (in.eof()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the server can't read ", path.string()));
}

}  // namespace

DatasetUpload::~DatasetUpload() {
  // There is nobody left to tell; without it what came since the last time is sent again.
  if (begun_) Save().IgnoreError();
}

absl::Status DatasetUpload::Take(const v1::UploadDatasetRequest& request) {
  if (!begun_ && !request.has_options()) return InvalidField("options", "must be the first message");
  if (ended_) return InvalidField("part", "came after the end");
  switch (request.part_case()) {
    case v1::UploadDatasetRequest::kOptions:
      return Begin(request.options());
    case v1::UploadDatasetRequest::kFile:
      return TakePart(request.file());
    case v1::UploadDatasetRequest::kEnd:
      return TakeEnd(request.end());
    default:
      return InvalidField("part", "is none of options, file and end");
  }
}

absl::Status DatasetUpload::CheckOptions(const v1::DatasetUploadOptions& options) const {
  if (claim_) return InvalidField("options", "were sent before; they are the first message alone");
  if (const auto named = CheckDatasetName(DatasetShortName(options.dataset())); !named.ok())
    return InvalidField("options.dataset", std::string(named.message()));
  if (options.source().empty() || options.source().size() > kMaxSource) {
    return InvalidField("options.source",
                        absl::StrCat(options.source().size(), " bytes; 1 to ", kMaxSource, " are taken"));
  }
  if (options.bytes() < 0 || options.bytes() > limits_.max_bytes) {
    return InvalidField("options.bytes",
                        absl::StrCat(options.bytes(), "; 0 to ", limits_.max_bytes, " are taken"));
  }
  if (options.restart() && options.has_resume())
    return InvalidField("options.resume", "is set although nothing stays with restart");
  return absl::OkStatus();
}

// Nothing changes before all that can be wrong has been looked at.
absl::Status DatasetUpload::Begin(const v1::DatasetUploadOptions& options) {
  MAE_RETURN_IF_ERROR(CheckOptions(options));
  const std::string name = DatasetShortName(options.dataset());
  staging_.Sweep();
  MAE_ASSIGN_OR_RETURN(claim_, staging_.Take(name));
  MAE_RETURN_IF_ERROR(store_.CheckFree(name));
  const v1::DatasetUpload there = claim_->Load();
  if (!options.restart()) MAE_RETURN_IF_ERROR(CheckGoesOn(there, options));
  std::error_code ignored;  // The disk is looked at next.
  fs::create_directories(store_.root(), ignored);
  MAE_RETURN_IF_ERROR(CheckDisk(options.bytes() - there.bytes() - there.offset()));
  if (options.restart() || there.source().empty()) {
    MAE_RETURN_IF_ERROR(claim_->Clear());
  } else {
    progress_ = there;
  }
  progress_.set_name(absl::StrCat("datasets/", name));
  progress_.set_source(options.source());
  if (!progress_.path().empty()) MAE_RETURN_IF_ERROR(Reopen());
  begun_ = true;
  return Save();
}

absl::Status DatasetUpload::CheckGoesOn(const v1::DatasetUpload& there,
                                        const v1::DatasetUploadOptions& options) const {
  if (!there.source().empty() && there.source() != options.source()) {
    return absl::FailedPreconditionError(
        absl::StrCat("an upload of other files to ", there.name(), " was broken off after ", HowFar(there),
                     ": send those again, or drop them with the option restart"));
  }
  if (google::protobuf::util::MessageDifferencer::Equals(there, options.resume())) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("the upload is at ", HowFar(there), ", not at ",
                                         HowFar(options.resume()),
                                         ": go on from what GetDatasetUpload says"));
}

absl::Status DatasetUpload::Reopen() {
  const fs::path path = PathOf(progress_.path());
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error || size < static_cast<uintmax_t>(progress_.offset())) {
    const std::string name = progress_.path();
    ForgetFile();
    begun_ = true;  // Saves that it begins anew.
    return absl::AbortedError(absl::StrCat(name, " is shorter than it was; the same upload sends it again"));
  }
  fs::resize_file(path, static_cast<uintmax_t>(progress_.offset()), error);
  if (error) return SystemError("truncate", path, error.value());
  MAE_RETURN_IF_ERROR(DigestOf(path, digest_));
  file_ = std::ofstream(path, std::ios::binary | std::ios::app);
  return file_ ? absl::OkStatus() : DiskTookNotAll(progress_.path());
}

// The file that came is sent again from its beginning; what it took of the disk is free.
void DatasetUpload::ForgetFile() {
  if (progress_.path().empty()) return;
  file_.close();
  digest_.Finish();
  std::error_code ignored;  // It is overwritten when it comes again.
  fs::resize_file(PathOf(progress_.path()), 0, ignored);
  progress_.clear_path();
  progress_.clear_offset();
}

absl::Status DatasetUpload::TakePart(const v1::DatasetFilePart& part) {
  if (progress_.path().empty()) {
    if (const auto checked = CheckDatasetPath(part.path()); !checked.ok())
      return InvalidField("file.path", std::string(checked.message()));
    if (progress_.files() == limits_.max_files)
      return InvalidField("file",
                          absl::StrCat("is one more than the ", limits_.max_files, " that are taken"));
  } else if (part.path() != progress_.path()) {
    return InvalidField("file.path", absl::StrCat(Quoted(part.path()), " where ", progress_.path(),
                                                  " was to go on: files come whole, one after the other"));
  }
  if (part.offset() != progress_.offset())
    return InvalidField("file.offset",
                        absl::StrCat(part.offset(), " where ", progress_.offset(), " was to come"));
  // Would keep an upload alive that does not go on.
  if (part.data().empty() && part.sha256().empty()) return InvalidField("file.data", "is empty");
  const auto size = static_cast<int64_t>(part.data().size());
  if (progress_.bytes() + progress_.offset() + size > limits_.max_bytes)
    return InvalidField("file.data",
                        absl::StrCat("goes beyond the ", limits_.max_bytes, " bytes that are taken"));
  if (progress_.path().empty()) MAE_RETURN_IF_ERROR(Open(part.path()));
  file_.write(part.data().data(), size);
  if (!file_) {
    ForgetFile();
    return DiskTookNotAll(part.path());
  }
  digest_.Append(part.data());
  progress_.set_offset(progress_.offset() + size);
  if (!part.sha256().empty()) MAE_RETURN_IF_ERROR(Close(part.sha256()));
  return SaveIfDue(size);
}

absl::Status DatasetUpload::Open(const std::string& path) {
  std::error_code error;
  fs::create_directories(PathOf(path).parent_path(), error);
  if (!error) file_ = std::ofstream(PathOf(path), std::ios::binary | std::ios::trunc);
  if (error || !file_) {
    return InvalidField("file.path", absl::StrCat(Quoted(path),
                                                  " can't be made: is there a file where it wants a "
                                                  "folder, or a folder where it wants a file?"));
  }
  progress_.set_path(path);
  return absl::OkStatus();
}

absl::Status DatasetUpload::Close(const std::string& sha256) {
  const std::string path = progress_.path();
  file_.close();
  if (!file_) {
    ForgetFile();
    return DiskTookNotAll(path);
  }
  const FileDigest digest = digest_.Finish();
  const int64_t bytes = progress_.offset();
  progress_.clear_path();
  progress_.clear_offset();
  if (digest.sha256 != absl::AsciiStrToLower(sha256)) {
    return absl::DataLossError(absl::StrCat(path, " arrived with the SHA-256 ", digest.sha256, ", not ",
                                            absl::CEscape(sha256.substr(0, 64)),
                                            ": it changed while it was sent, or on its way; the same upload "
                                            "sends it again"));
  }
  progress_.set_files(progress_.files() + 1);
  progress_.set_bytes(progress_.bytes() + bytes);
  return absl::OkStatus();
}

absl::Status DatasetUpload::TakeEnd(const v1::DatasetUploadEnd& end) {
  if (!progress_.path().empty()) return InvalidField("end", absl::StrCat("came within ", progress_.path()));
  if (end.files() != progress_.files() || end.bytes() != progress_.bytes()) {
    return InvalidField("end", absl::StrCat("tells of ", end.files(), " files with ", end.bytes(),
                                            " bytes where ", HowFar(progress_), " came"));
  }
  ended_ = true;
  return absl::OkStatus();
}

absl::Status DatasetUpload::CheckDisk(int64_t bytes) const {
  const absl::Status room = CheckDiskSpace(store_.root(), bytes, limits_.reserve);
  if (room.ok()) return room;
  return absl::Status(room.code(), absl::StrCat(room.message(), "; ", kGivenUp));
}

absl::Status DatasetUpload::Save() {
  if (file_.is_open() && !file_.flush()) {
    const std::string path = progress_.path();
    ForgetFile();
    return DiskTookNotAll(path);
  }
  MAE_RETURN_IF_ERROR(claim_->Save(progress_));
  unsaved_ = 0;
  saved_ = absl::Now();
  return absl::OkStatus();
}

absl::Status DatasetUpload::SaveIfDue(int64_t bytes) {
  unsaved_ += bytes;
  if (unsaved_ < limits_.save_bytes && absl::Now() < saved_ + limits_.save_interval) return absl::OkStatus();
  MAE_RETURN_IF_ERROR(Save());
  return CheckDisk(0);
}

absl::Status DatasetUpload::Publish(const std::function<bool()>& is_cancelled, v1::Dataset& dataset) {
  if (!begun_) return InvalidField("options", "no message came");
  if (!ended_) {
    return absl::AbortedError(absl::StrCat("the stream ended after ", HowFar(progress_),
                                           " and before its end message; ", kGivenUp));
  }
  const auto info = LookThrough();
  if (!info.ok()) return NotADataset(info.status());
  if (is_cancelled()) return absl::CancelledError(absl::StrCat("the caller has gone; ", kGivenUp));
  MAE_RETURN_IF_ERROR(Save());
  MAE_ASSIGN_OR_RETURN(const DatasetEntry entry, store_.Adopt(*info));
  begun_ = false;
  claim_->Clear().IgnoreError();  // What is left of it counts for nothing without its files.
  dataset = ToProto(entry);
  return absl::OkStatus();
}

absl::StatusOr<DatasetInfo> DatasetUpload::LookThrough() const {
  MAE_ASSIGN_OR_RETURN(DatasetInfo info,
                       InspectDatasetWithin(DatasetShortName(progress_.name()), claim_->files()));
  MAE_RETURN_IF_ERROR(MeasurePixels(info));
  return info;
}

// Names files as the sender knows them, and says what can be done.
absl::Status DatasetUpload::NotADataset(const absl::Status& status) const {
  const std::string files = claim_->files().string();
  const std::string message = absl::StrReplaceAll(std::string(status.message()),
                                                  {{absl::StrCat(files, "/"), ""}, {files, "the upload"}});
  return absl::Status(status.code(),
                      absl::StrCat(message,
                                   "; the files stay for now: send mended ones with the option restart, or "
                                   "delete ",
                                   progress_.name()));
}

}  // namespace mae
