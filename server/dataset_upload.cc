#include "server/dataset_upload.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "data/dataset.h"
#include "server/dataset_to_proto.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxSource = 128;
constexpr size_t kMaxPath = 1024, kMaxPart = 255, kMaxFolders = 8;

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::CEscape(text.substr(0, 128)), "'");
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

absl::Status CheckUploadPath(absl::string_view path) {
  if (path.empty() || path.size() > kMaxPath) {
    return absl::InvalidArgumentError(
        absl::StrCat("a path of ", path.size(), " bytes; 1 to ", kMaxPath, " are taken"));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  if (parts.size() > kMaxFolders + 1) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(path), " lies ", parts.size() - 1,
                                                   " folders deep; at most ", kMaxFolders, " are taken"));
  }
  for (const auto part : parts) {
    if (part.empty() || part[0] == '.' || part.size() > kMaxPart ||
        std::any_of(part.begin(), part.end(), [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quoted(path), " is not a path below the dataset's folder whose parts have 1 to ",
                       kMaxPart, " bytes and begin with no dot"));
    }
  }
  return absl::OkStatus();
}

DatasetUpload::~DatasetUpload() {
  // There is nobody left to tell; without it what came since the last time is sent again.
  if (claim_ && !progress_.source().empty()) Save().IgnoreError();
}

absl::Status DatasetUpload::Take(const v1::UploadDatasetRequest& request) {
  if (!claim_ && !request.has_options()) return InvalidField("options", "must be the first message");
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

absl::Status DatasetUpload::Begin(const v1::DatasetUploadOptions& options) {
  if (claim_) return InvalidField("options", "were sent before; they are the first message alone");
  if (const auto named = CheckDatasetName(options.dataset()); !named.ok())
    return InvalidField("options.dataset", std::string(named.message()));
  if (options.source().empty() || options.source().size() > kMaxSource) {
    return InvalidField("options.source",
                        absl::StrCat(options.source().size(), " bytes; 1 to ", kMaxSource, " are taken"));
  }
  if (options.bytes() < 0 || options.bytes() > limits_.max_bytes) {
    return InvalidField("options.bytes",
                        absl::StrCat(options.bytes(), "; 0 to ", limits_.max_bytes, " are taken"));
  }
  MAE_ASSIGN_OR_RETURN(claim_, staging_.Take(options.dataset()));
  MAE_RETURN_IF_ERROR(store_.CheckFree(options.dataset()));
  if (options.restart()) MAE_RETURN_IF_ERROR(claim_->Clear());
  MAE_RETURN_IF_ERROR(TakeUp(options));
  MAE_RETURN_IF_ERROR(Save());
  return CheckDisk(std::max<int64_t>(0, options.bytes() - progress_.bytes() - progress_.offset()));
}

// From where the files end, if they are those that the client sends.
absl::Status DatasetUpload::TakeUp(const v1::DatasetUploadOptions& options) {
  const v1::DatasetUpload there = claim_->Load();
  if (!there.source().empty() && there.source() != options.source()) {
    return absl::FailedPreconditionError(
        absl::StrCat("an upload of other files to ", there.name(), " was broken off after ", HowFar(there),
                     ": send those again, or drop them with the option restart"));
  }
  if (!google::protobuf::util::MessageDifferencer::Equals(there, options.resume())) {
    return absl::AbortedError(absl::StrCat("the upload is at ", HowFar(there), ", not at ",
                                           HowFar(options.resume()),
                                           ": go on from what GetDatasetUpload says"));
  }
  // Leftovers of an upload that nothing is known of.
  if (there.source().empty()) MAE_RETURN_IF_ERROR(claim_->Clear());
  progress_ = there;
  progress_.set_name(absl::StrCat("datasets/", options.dataset()));
  progress_.set_source(options.source());
  return progress_.path().empty() ? absl::OkStatus() : Reopen();
}

absl::Status DatasetUpload::Reopen() {
  const fs::path path = PathOf(progress_.path());
  std::error_code error;
  fs::resize_file(path, static_cast<uintmax_t>(progress_.offset()), error);
  if (error) return SystemError("truncate", path, error.value());
  MAE_RETURN_IF_ERROR(DigestOf(path, digest_));
  file_ = std::ofstream(path, std::ios::binary | std::ios::app);
  return file_ ? absl::OkStatus() : DiskTookNotAll(progress_.path());
}

absl::Status DatasetUpload::TakePart(const v1::DatasetFilePart& part) {
  if (progress_.path().empty()) {
    if (const auto checked = CheckUploadPath(part.path()); !checked.ok())
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
  if (!file_) return DiskTookNotAll(part.path());
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
  file_.close();
  if (!file_) return DiskTookNotAll(progress_.path());
  const FileDigest digest = digest_.Finish();
  const std::string path = progress_.path();
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
  MAE_ASSIGN_OR_RETURN(const int64_t free, FreeBytes(claim_->files()));
  if (bytes <= free - limits_.reserve) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the server's disk has ", free, " bytes free, of which ", limits_.reserve,
                   " are kept for its jobs; ", bytes,
                   " are still to come. Remove old models or datasets, or give it a "
                   "larger disk; ",
                   kGivenUp));
}

absl::Status DatasetUpload::Save() {
  if (file_.is_open() && !file_.flush()) return DiskTookNotAll(progress_.path());
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
  if (!claim_) return InvalidField("options", "no message came");
  if (!ended_) {
    return absl::AbortedError(absl::StrCat("the stream ended after ", HowFar(progress_),
                                           " and before its end message; ", kGivenUp));
  }
  const std::string name = progress_.name().substr(std::string_view("datasets/").size());
  MAE_ASSIGN_OR_RETURN(DatasetInfo info, InspectDatasetWithin(name, claim_->files()));
  MAE_RETURN_IF_ERROR(MeasurePixels(info));
  if (is_cancelled()) return absl::CancelledError(absl::StrCat("the caller has gone; ", kGivenUp));
  MAE_RETURN_IF_ERROR(Save());
  // Else a crash here would leave an upload that goes on without the files that have become the dataset.
  MAE_RETURN_IF_ERROR(claim_->Forget());
  progress_.Clear();
  MAE_RETURN_IF_ERROR(store_.Adopt(name, info.path));
  claim_->Clear().IgnoreError();  // The next sweep tries again.
  MAE_ASSIGN_OR_RETURN(const DatasetEntry entry, store_.FindEntry(name));
  dataset = ToProto(entry);
  return absl::OkStatus();
}

}  // namespace mae
