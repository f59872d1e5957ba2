#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/interrupt.h"
#include "client/output.h"
#include "client/output_folder.h"
#include "client/resource_name.h"
#include "client/transfer_progress.h"
#include "client/verb_registry.h"
#include "mae/v1/model.grpc.pb.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, v1::ExportModelRequest::Format> kExportFormats = {
    {"official", v1::ExportModelRequest::OFFICIAL},
    {"hf", v1::ExportModelRequest::HUGGING_FACE},
    {"timm", v1::ExportModelRequest::TIMM},
    {"pth", v1::ExportModelRequest::PTH}};
const std::map<std::string, std::string> kOptionsOfExport = {{"name", "the model"}, {"format", "--format"}};

struct ExportArguments {
  std::string model, format, out;
};

/// The files as they come, in a folder beside the one asked for, which is there only when all are.
class ReceivedFolder {
 public:
  /// FAILED_PRECONDITION if something is at `target` that is no empty folder.
  static absl::StatusOr<ReceivedFolder> Begin(const fs::path& target) {
    std::error_code error;
    if (fs::exists(target, error) && !(fs::is_directory(target, error) && fs::is_empty(target, error))) {
      return absl::FailedPreconditionError(absl::StrCat(
          "--out ", target.string(), " is there already; name a folder that is not, or an empty one"));
    }
    MAE_RETURN_IF_ERROR(OutputFolder::Plan(target).status());
    return ReceivedFolder(target);
  }
  ReceivedFolder(ReceivedFolder&& other) noexcept
      : target_(std::move(other.target_)), partial_(std::move(other.partial_)) {
    other.partial_.clear();
  }
  ~ReceivedFolder() {
    std::error_code ignored;
    if (!partial_.empty()) fs::remove_all(partial_, ignored);
  }

  absl::Status Begin(const v1::ExportModelResponse::Header& header) {
    std::error_code error;
    fs::create_directories(partial_, error);
    if (error) return absl::PermissionDeniedError(absl::StrCat(partial_.string(), ": ", error.message()));
    for (const auto& file : header.files()) {
      if (fs::path(file.name()).filename() != file.name() || file.name().starts_with('.')) {
        return absl::InternalError(
            absl::StrCat("the server sent a file named '", file.name(), "', which is refused"));
      }
      missing_[file.name()] = file.bytes();
      MAE_RETURN_IF_ERROR(WriteOutputFile(partial_ / file.name(), ""));
    }
    return absl::OkStatus();
  }

  absl::Status Add(const v1::FilePiece& piece) {
    const auto found = missing_.find(piece.file());
    const auto size = static_cast<int64_t>(piece.data().size());
    if (found == missing_.end() || size > found->second) {
      return absl::InternalError(absl::StrCat("the server sent more of '", piece.file(), "' than it said"));
    }
    found->second -= size;
    if (open_ != piece.file()) {
      file_ = std::ofstream(partial_ / piece.file(), std::ios::binary | std::ios::app);
      open_ = piece.file();
    }
    file_.write(piece.data().data(), size);
    if (file_.flush()) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat((partial_ / piece.file()).string(), ": can't be written whole"));
  }

  absl::Status Publish() {
    for (const auto& [name, bytes] : missing_) {
      if (bytes != 0) return absl::DataLossError(absl::StrCat(name, " ended ", bytes, " bytes early"));
    }
    if (missing_.empty()) return absl::InternalError("the server sent no files");
    std::error_code error;
    fs::remove(target_, error);  // an empty folder
    fs::rename(partial_, target_, error);
    if (error) return absl::PermissionDeniedError(absl::StrCat(target_.string(), ": ", error.message()));
    partial_.clear();
    return absl::OkStatus();
  }

 private:
  explicit ReceivedFolder(const fs::path& target)
      : target_(target.has_filename() ? target : target.parent_path()),
        partial_(absl::StrCat(target_.string(), ".partial.", getpid())) {}

  fs::path target_, partial_;
  std::map<std::string, int64_t> missing_;
  std::ofstream file_;
  std::string open_;
};

int64_t BytesOf(const v1::ExportModelResponse::Header& header) {
  int64_t total = 0;
  for (const auto& file : header.files()) total += file.bytes();
  return total;
}

// The header is kept in `header`, the files in `folder`.
absl::Status Take(const v1::ExportModelResponse& response, ReceivedFolder& folder,
                  v1::ExportModelResponse::Header& header, std::unique_ptr<TransferProgress>& progress,
                  bool quiet) {
  if (response.has_header()) {
    header = response.header();
    progress = std::make_unique<TransferProgress>("receiving", BytesOf(header), quiet);
    return folder.Begin(header);
  }
  MAE_RETURN_IF_ERROR(folder.Add(response.piece()));
  progress->Add(response.piece().file(), static_cast<int64_t>(response.piece().data().size()));
  return absl::OkStatus();
}

absl::StatusOr<v1::ExportModelResponse::Header> Receive(Session& session,
                                                        const v1::ExportModelRequest& request,
                                                        ReceivedFolder& folder) {
  MAE_ASSIGN_OR_RETURN(const Connection* const connection, session.Connect());
  Interrupt interrupt;
  grpc::ClientContext context;
  connection->Authorize(context);
  interrupt.OnSignal([&context] { context.TryCancel(); });
  const auto stub = v1::ModelService::NewStub(connection->channel());
  const auto reader = stub->ExportModel(&context, request);
  v1::ExportModelResponse response;
  v1::ExportModelResponse::Header header;
  std::unique_ptr<TransferProgress> progress;
  absl::Status taken;
  while (taken.ok() && reader->Read(&response)) {
    taken = Take(response, folder, header, progress, session.options.quiet);
  }
  if (!taken.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  interrupt.OnSignal(nullptr);
  MAE_RETURN_IF_ERROR(taken);
  if (interrupt.interrupted()) return absl::CancelledError("interrupted; nothing was written");
  MAE_RETURN_IF_ERROR(NameOptions(connection->Failure(status), kOptionsOfExport));
  return header;
}

absl::Status ExportModel(Session& session, const ExportArguments& given) {
  MAE_ASSIGN_OR_RETURN(ReceivedFolder folder, ReceivedFolder::Begin(given.out));
  v1::ExportModelRequest request;
  request.set_name(ResourceName("models", given.model));
  request.set_format(kExportFormats.at(given.format));
  MAE_ASSIGN_OR_RETURN(const auto header, Receive(session, request, folder));
  MAE_RETURN_IF_ERROR(folder.Publish());
  session.Note(absl::StrCat(header.model_version(), " is in ", given.out));
  return WriteMessage(session.options.format, header, [&] {
    std::string lines;
    for (const auto& file : header.files())
      absl::StrAppend(&lines, (fs::path(given.out) / file.name()).string(), "\n");
    return lines;
  });
}

}  // namespace

void AddExportCommand(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Models", "export-model",
                             "Write a model for PyTorch, transformers or timm, with a model card",
                             "export-model fashion-mae --format hf --out fashion-mae-hf\n"
                             "export-model fashion-classifier@latest --format timm --out classifier-timm");
  auto given = std::make_shared<ExportArguments>();
  std::vector<std::string> formats;
  for (const auto& [name, format] : kExportFormats) formats.push_back(name);
  verb->add_option("model", given->model, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  verb->add_option("--format", given->format,
                   "official: safetensors under the official names; hf: for from_pretrained of transformers; "
                   "timm: for "
                   "timm.create_model; pth: for torch.load(weights_only=True)")
      ->required()
      ->check(CLI::IsMember(formats));
  verb->add_option("--out", given->out, "A folder to make; there only once everything is in it")->required();
  verbs.OnChosen(verb, [&verbs, given] { return ExportModel(verbs.session(), *given); });
}

}  // namespace mae
