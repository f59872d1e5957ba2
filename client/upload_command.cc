#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/file_digest.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/interrupt.h"
#include "client/output.h"
#include "client/readable.h"
#include "client/resource_name.h"
#include "client/transfer_progress.h"
#include "client/upload_source.h"
#include "client/verb_registry.h"
#include "data/dataset.h"
#include "data/dataset_path.h"
#include "mae/v1/dataset.grpc.pb.h"

namespace mae {
namespace {

constexpr int64_t kSentPartBytes = 512 << 10;  // with its envelope within the smallest rpc.max_message_mib
const std::map<std::string, std::string> kOptionsOfUpload = {{"options.dataset", "--dataset"}};

struct UploadArguments {
  std::string path, dataset;
  bool restart = false;
};

/// One UploadDataset call: sends what the server has not. Opens the stream only once the first byte to send
/// is at hand: to come there may take longer than a server waits. Once the server wants no more, it says why
/// at the end.
class Upload {
 public:
  Upload(const Connection& connection, const UploadSource& source, const v1::DatasetUploadOptions& options,
         TransferProgress& progress)
      : source_(source),
        options_(options),
        progress_(progress),
        stub_(v1::DatasetService::NewStub(connection.channel())) {
    connection.Authorize(context_);
  }

  absl::Status SendAll() {
    progress_.Skip(there().bytes() + there().offset());
    int64_t skip = there().offset();
    const absl::Status sent =
        VisitUpload(source_, there().files(), [&](const UploadFile& file, ByteSource& bytes) {
          return SendFile(file, bytes, std::exchange(skip, 0));
        });
    if (refused_) return absl::OkStatus();
    MAE_RETURN_IF_ERROR(sent);
    v1::UploadDatasetRequest end;
    end.mutable_end()->set_files(static_cast<int64_t>(source_.files.size()));
    end.mutable_end()->set_bytes(source_.bytes);
    if (Write(end)) progress_.Say("the server looks through the images");
    return absl::OkStatus();
  }

  /// Without the end message it is an upload broken off. Call it once, last.
  grpc::Status Finish() {
    if (writer_ == nullptr) return grpc::Status::OK;  // Nothing was sent, and why was said.
    writer_->WritesDone();
    const grpc::Status status = writer_->Finish();
    interrupt_->OnSignal(nullptr);
    return status;
  }
  bool interrupted() const { return interrupt_ && interrupt_->interrupted(); }
  const v1::Dataset& dataset() const { return dataset_; }

 private:
  const v1::DatasetUpload& there() const { return options_.resume(); }

  bool Write(const v1::UploadDatasetRequest& request) {
    if (writer_ == nullptr) {
      interrupt_.emplace();
      interrupt_->OnSignal([this] { context_.TryCancel(); });
      writer_ = stub_->UploadDataset(&context_, &dataset_);
      v1::UploadDatasetRequest first;
      *first.mutable_options() = options_;
      refused_ = !writer_->Write(first);
    }
    refused_ = refused_ || !writer_->Write(request);
    return !refused_;
  }

  // The server has the first `skip` bytes; they are read all the same: the digest is that of the file whole.
  absl::Status SendFile(const UploadFile& file, ByteSource& bytes, int64_t skip) {
    DigestStream digest;
    auto* part = request_.mutable_file();
    part->Clear();
    part->set_path(file.path);
    for (int64_t offset = 0; offset < skip;) {
      MAE_RETURN_IF_ERROR(ReadPart(file, bytes, skip - offset, digest));
      offset += static_cast<int64_t>(part->data().size());
    }
    part->set_offset(skip);
    while (true) {
      MAE_RETURN_IF_ERROR(ReadPart(file, bytes, file.bytes - part->offset(), digest));
      const auto size = static_cast<int64_t>(part->data().size());
      const bool is_last = part->offset() + size == file.bytes;
      if (is_last) part->set_sha256(digest.Finish().sha256);
      if (!Write(request_)) return absl::CancelledError("the server wants no more");
      progress_.Add(file.path, size);
      if (is_last) return absl::OkStatus();
      part->set_offset(part->offset() + size);
    }
  }

  // As much as one message takes of the `left` bytes.
  absl::Status ReadPart(const UploadFile& file, ByteSource& bytes, int64_t left, DigestStream& digest) {
    std::string& data = *request_.mutable_file()->mutable_data();
    data.resize(static_cast<size_t>(std::min(left, kSentPartBytes)));
    MAE_ASSIGN_OR_RETURN(const int64_t got,
                         bytes.Read({reinterpret_cast<uint8_t*>(data.data()), data.size()}));
    if (got != static_cast<int64_t>(data.size()))
      return absl::AbortedError(absl::StrCat(file.path, " became shorter while it was sent"));
    digest.Append(data);
    return absl::OkStatus();
  }

  const UploadSource& source_;
  const v1::DatasetUploadOptions& options_;
  TransferProgress& progress_;
  const std::unique_ptr<v1::DatasetService::Stub> stub_;
  grpc::ClientContext context_;
  std::optional<Interrupt> interrupt_;
  v1::Dataset dataset_;
  std::unique_ptr<grpc::ClientWriter<v1::UploadDatasetRequest>> writer_;  ///< null: not opened yet
  v1::UploadDatasetRequest request_;
  bool refused_ = false;
};

// What the server has already; empty if nothing.
absl::StatusOr<v1::DatasetUpload> UploadedSoFar(Session& session, const std::string& dataset) {
  v1::GetDatasetUploadRequest request;
  request.set_name(ResourceName("datasets", dataset));
  auto there = session.Call<v1::DatasetService>(&v1::DatasetService::Stub::GetDatasetUpload, request);
  if (absl::IsNotFound(there.status())) return v1::DatasetUpload();
  if (!there.ok()) return NameOptions(there.status(), kOptionsOfUpload);
  return there;
}

// From where an upload was broken off, if there is one.
absl::Status GoOn(Session& session, const UploadSource& source, v1::DatasetUploadOptions& options) {
  MAE_ASSIGN_OR_RETURN(const v1::DatasetUpload there, UploadedSoFar(session, options.dataset()));
  if (there.source().empty()) return absl::OkStatus();
  *options.mutable_resume() = there;
  if (there.source() != source.id) {
    return absl::FailedPreconditionError(
        absl::StrCat("an upload of other files to ", there.name(), " was broken off after ", there.files(),
                     " files with ", ReadableBytes(there.bytes() + there.offset()),
                     ", or the files have changed since: --restart drops those"));
  }
  session.Note(absl::StrCat("goes on: the server has ", there.files(), " of ", source.files.size(),
                            " files and ", ReadableBytes(there.bytes() + there.offset()), " of ",
                            ReadableBytes(source.bytes)));
  return absl::OkStatus();
}

absl::Status Failure(const Connection& connection, const grpc::Status& status, bool interrupted) {
  constexpr const char* kGoesOn = "what arrived stays: the same command goes on from there";
  if (interrupted) return absl::CancelledError(absl::StrCat("interrupted; ", kGoesOn));
  const absl::Status failure = NameOptions(connection.Failure(status), kOptionsOfUpload);
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
      status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) {
    return failure;
  }
  return absl::Status(failure.code(), absl::StrCat(std::string(failure.message()), "\n", kGoesOn));
}

absl::StatusOr<v1::Dataset> Send(Session& session, const UploadSource& source,
                                 const v1::DatasetUploadOptions& options) {
  MAE_ASSIGN_OR_RETURN(const Connection* const connection, session.Connect());
  std::optional<TransferProgress> progress(std::in_place, "sending", source.bytes, session.options.quiet);
  Upload upload(*connection, source, options, *progress);
  const absl::Status sent = upload.SendAll();
  const grpc::Status status = upload.Finish();
  progress.reset();  // Before anything else is written.
  if (upload.interrupted() && !status.ok()) return Failure(*connection, status, true);
  MAE_RETURN_IF_ERROR(sent);
  if (!status.ok()) return Failure(*connection, status, false);
  return upload.dataset();
}

// The name of a dataset after its folder or archive.
std::string NameAfter(const std::filesystem::path& path) {
  std::error_code error;
  auto folder = std::filesystem::weakly_canonical(path, error);
  std::string name = absl::AsciiStrToLower((error ? path : folder).filename().string());
  for (const char* ending : {".tar", ".tar.gz", ".tgz"}) {
    if (name.ends_with(ending)) name.resize(name.size() - std::string_view(ending).size());
  }
  return name;
}

absl::Status UploadDataset(Session& session, const UploadArguments& given) {
  v1::DatasetUploadOptions options;
  options.set_dataset(given.dataset.empty() ? NameAfter(given.path) : ShortName(given.dataset));
  if (const auto named = CheckDatasetName(options.dataset()); !named.ok())
    return absl::InvalidArgumentError(absl::StrCat("--dataset: ", std::string(named.message())));
  session.Note(absl::StrCat("looking through ", given.path));
  MAE_ASSIGN_OR_RETURN(const UploadSource source, ListUpload(given.path));
  // Before hours of sending: what is in a tar only the server can tell.
  if (!source.is_tar) MAE_RETURN_IF_ERROR(InspectDatasetWithin(options.dataset(), source.path).status());
  options.set_source(source.id);
  options.set_bytes(source.bytes);
  options.set_restart(given.restart);
  if (!given.restart) MAE_RETURN_IF_ERROR(GoOn(session, source, options));
  MAE_ASSIGN_OR_RETURN(const v1::Dataset dataset, Send(session, source, options));
  session.Note(absl::StrCat(Grouped(dataset.train_images()), " training and ",
                            Grouped(dataset.validation_images()), " validation images of ",
                            dataset.labels_size(), " classes"));
  return WriteMessage(session.options.format, dataset, [&] { return dataset.name() + "\n"; });
}

absl::Status DeleteDataset(Session& session, const std::string& name) {
  v1::DeleteDatasetRequest request;
  request.set_name(ResourceName("datasets", name));
  MAE_RETURN_IF_ERROR(
      session.Call<v1::DatasetService>(&v1::DatasetService::Stub::DeleteDataset, request).status());
  session.Note(absl::StrCat("deleted ", request.name()));
  return absl::OkStatus();
}

}  // namespace

void AddUploadCommands(VerbRegistry& verbs) {
  CLI::App* upload = verbs.Add("Data", "upload-dataset", "Send a folder or a tar of images to the server",
                               "upload-dataset flowers/\n"
                               "upload-dataset imagenet.tar --dataset imagenet");
  auto given = std::make_shared<UploadArguments>();
  upload
      ->add_option("path", given->path,
                   "A folder in any format of a dataset (README), or a tar of one, gzipped or not. After an "
                   "interruption the same command goes on where it was")
      ->required();
  upload->add_option("--dataset", given->dataset, "The dataset's name; without it the folder's or archive's");
  upload->add_flag("--restart", given->restart,
                   "Drop what the server has of a broken-off upload to this name");
  verbs.OnChosen(upload, [&verbs, given] { return UploadDataset(verbs.session(), *given); });
  CLI::App* del =
      verbs.Add("Data", "delete-dataset", "Remove an uploaded dataset, or what arrived of an upload",
                "delete-dataset flowers");
  auto name = std::make_shared<std::string>();
  del->add_option("dataset", *name, "The dataset")->required();
  verbs.OnChosen(del, [&verbs, name] { return DeleteDataset(verbs.session(), *name); });
}

}  // namespace mae
