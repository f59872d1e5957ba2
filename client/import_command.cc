#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/interrupt.h"
#include "client/output.h"
#include "client/transfer_progress.h"
#include "client/verb_registry.h"
#include "mae/v1/model.grpc.pb.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSentPieceBytes = 512 << 10;  // with its envelope within the smallest rpc.max_message_mib
constexpr int64_t kMaxLabelsFile = 64 << 20;
constexpr const char* kWeightEndings[] = {".safetensors", ".pth", ".pt", ".bin"};
const std::map<std::string, std::string> kOptionsOfImport = {{"options.model", "--model"},
                                                             {"options.aliases", "--alias"},
                                                             {"options.preset", "--preset"},
                                                             {"options.num_heads", "--heads"},
                                                             {"options.decoder_num_heads", "--decoder-heads"},
                                                             {"options.image_height", "--image-size"},
                                                             {"options.image_width", "--image-size"},
                                                             {"options.layer_norm_eps", "--layer-norm-eps"},
                                                             {"options.mask_ratio", "--mask-ratio"},
                                                             {"options.mean", "--mean"},
                                                             {"options.std", "--std"},
                                                             {"options.labels", "--labels"},
                                                             {"options.source", "--source"},
                                                             {"options.license", "--license"}};

struct ImportArguments {
  std::string path, image_size, labels;
  v1::ImportOptions options;
  std::vector<std::string> aliases;
  std::vector<double> mean, std_dev;
  std::optional<int64_t> heads, decoder_heads;
  std::optional<double> layer_norm_eps, mask_ratio;
  bool norm_pix = false;
};

/// A file to send, and the name that the server knows it by.
struct SentFile {
  fs::path path;
  std::string name;
};

bool EndsLikeWeights(const fs::path& path) {
  const std::string name = path.filename();
  return std::any_of(std::begin(kWeightEndings), std::end(kWeightEndings),
                     [&](const char* ending) { return absl::EndsWith(name, ending); });
}

// Weights, and the configs that lie beside them.
std::vector<SentFile> WithConfigs(const fs::path& weights) {
  std::vector<SentFile> files = {{weights, weights.filename()}};
  for (const char* name : {"config.json", "preprocessor_config.json"}) {
    const fs::path config = weights.parent_path() / name;
    std::error_code error;
    if (fs::exists(config, error)) files.push_back({config, name});
  }
  return files;
}

absl::StatusOr<std::vector<SentFile>> FilesOfFolder(const fs::path& folder) {
  std::vector<fs::path> weights;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (EndsLikeWeights(it->path())) weights.push_back(it->path());
  }
  if (error) return absl::PermissionDeniedError(absl::StrCat(folder.string(), ": ", error.message()));
  // A folder of a hub may hold the same weights twice.
  if (fs::exists(folder / "model.safetensors", error)) weights = {folder / "model.safetensors"};
  if (weights.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder.string(), " holds ", weights.size(),
                     " files of weights (.safetensors, .pth, .pt, .bin); name the one to import"));
  }
  return WithConfigs(weights[0]);
}

absl::StatusOr<std::vector<SentFile>> FilesOf(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error))
    return absl::NotFoundError(absl::StrCat(path, ": there is no such file or folder"));
  if (fs::is_directory(path, error)) return FilesOfFolder(path);
  if (EndsLikeWeights(path)) return WithConfigs(path);
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is neither a folder nor weights (.safetensors, .pth, .pt, .bin)"));
}

// "224" or "28x36", height first.
absl::Status SetImageSize(const std::string& text, v1::ImportOptions& options) {
  if (text.empty()) return absl::OkStatus();
  const std::vector<std::string> sides = absl::StrSplit(text, 'x');
  int64_t height = 0, width = 0;
  if (sides.size() > 2 || !absl::SimpleAtoi(sides.front(), &height) ||
      !absl::SimpleAtoi(sides.back(), &width)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--image-size: '", text, "' is neither a number of pixels nor HEIGHTxWIDTH"));
  }
  options.set_image_height(height);
  options.set_image_width(width);
  return absl::OkStatus();
}

// "cat,dog" or "@FILE" with a name a line.
absl::Status SetLabels(const std::string& text, v1::ImportOptions& options) {
  if (text.empty()) return absl::OkStatus();
  std::vector<std::string> labels;
  if (text[0] == '@') {
    MAE_ASSIGN_OR_RETURN(const std::string lines, ReadFile(text.substr(1), kMaxLabelsFile));
    labels = absl::StrSplit(lines, '\n', absl::SkipWhitespace());
  } else {
    labels = absl::StrSplit(text, ',');
  }
  options.mutable_labels()->Assign(labels.begin(), labels.end());
  return absl::OkStatus();
}

absl::StatusOr<v1::ImportOptions> OptionsOf(const ImportArguments& given,
                                            const std::vector<SentFile>& files) {
  v1::ImportOptions options = given.options;
  options.mutable_aliases()->Assign(given.aliases.begin(), given.aliases.end());
  options.mutable_mean()->Assign(given.mean.begin(), given.mean.end());
  options.mutable_std()->Assign(given.std_dev.begin(), given.std_dev.end());
  if (given.heads) options.set_num_heads(*given.heads);
  if (given.decoder_heads) options.set_decoder_num_heads(*given.decoder_heads);
  if (given.layer_norm_eps) options.set_layer_norm_eps(*given.layer_norm_eps);
  if (given.mask_ratio) options.set_mask_ratio(*given.mask_ratio);
  if (given.norm_pix) options.set_norm_pix_loss(true);
  MAE_RETURN_IF_ERROR(SetImageSize(given.image_size, options));
  MAE_RETURN_IF_ERROR(SetLabels(given.labels, options));
  for (const auto& file : files) {
    std::error_code error;
    const auto bytes = fs::file_size(file.path, error);
    if (error) return absl::PermissionDeniedError(absl::StrCat(file.path.string(), ": ", error.message()));
    auto* sent = options.add_files();
    sent->set_name(file.name);
    sent->set_bytes(static_cast<int64_t>(bytes));
  }
  return options;
}

using ImportWriter = grpc::ClientWriter<v1::ImportModelRequest>;

// False: the server wants no more, and says why at the end.
absl::StatusOr<bool> SendFile(const SentFile& file, int64_t bytes, ImportWriter& writer,
                              TransferProgress& progress) {
  std::ifstream in(file.path, std::ios::binary);
  v1::ImportModelRequest request;
  while (bytes > 0) {
    auto* piece = request.mutable_piece();
    piece->set_file(file.name);
    piece->mutable_data()->resize(static_cast<size_t>(std::min(bytes, kSentPieceBytes)));
    const auto size = static_cast<int64_t>(piece->data().size());
    if (!in.read(piece->mutable_data()->data(), size)) {
      return absl::PermissionDeniedError(absl::StrCat(file.path.string(), ": can't be read to its end"));
    }
    if (!writer.Write(request)) return false;
    bytes -= size;
    progress.Add(file.name, size);
  }
  return true;
}

absl::Status SendAll(const v1::ImportOptions& options, const std::vector<SentFile>& files,
                     ImportWriter& writer, TransferProgress& progress) {
  v1::ImportModelRequest first;
  *first.mutable_options() = options;
  if (!writer.Write(first)) return absl::OkStatus();
  for (size_t i = 0; i < files.size(); ++i) {
    MAE_ASSIGN_OR_RETURN(const bool wanted,
                         SendFile(files[i], options.files(static_cast<int>(i)).bytes(), writer, progress));
    if (!wanted) return absl::OkStatus();
  }
  progress.Say("the server reads the weights");
  return absl::OkStatus();
}

int64_t AnnouncedBytes(const v1::ImportOptions& options) {
  int64_t total = 0;
  for (const auto& file : options.files()) total += file.bytes();
  return total;
}

absl::StatusOr<v1::ImportModelResponse> Send(Session& session, const v1::ImportOptions& options,
                                             const std::vector<SentFile>& files) {
  MAE_ASSIGN_OR_RETURN(const Connection* const connection, session.Connect());
  Interrupt interrupt;
  grpc::ClientContext context;
  connection->Authorize(context);
  interrupt.OnSignal([&context] { context.TryCancel(); });
  v1::ImportModelResponse response;
  const auto stub = v1::ModelService::NewStub(connection->channel());
  const auto writer = stub->ImportModel(&context, &response);
  std::optional<TransferProgress> progress(std::in_place, "sending", AnnouncedBytes(options),
                                           session.options.quiet);
  const absl::Status sent = SendAll(options, files, *writer, *progress);
  if (!sent.ok()) context.TryCancel();  // Nothing is published of what is not whole.
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  progress.reset();  // Before anything else is written.
  interrupt.OnSignal(nullptr);
  MAE_RETURN_IF_ERROR(sent);
  if (!status.ok() && interrupt.interrupted()) {
    return absl::CancelledError(
        absl::StrCat("interrupted; get-model ", options.model(), " shows whether it was published"));
  }
  MAE_RETURN_IF_ERROR(NameOptions(connection->Failure(status), kOptionsOfImport));
  return response;
}

absl::Status ImportModel(Session& session, const ImportArguments& given) {
  MAE_ASSIGN_OR_RETURN(const auto files, FilesOf(given.path));
  MAE_ASSIGN_OR_RETURN(const v1::ImportOptions options, OptionsOf(given, files));
  MAE_ASSIGN_OR_RETURN(const v1::ImportModelResponse response, Send(session, options, files));
  for (const auto& remark : response.remarks()) session.Note(remark);
  return WriteMessage(session.options.format, response, [&] { return response.version().name() + "\n"; });
}

void AddImportOptions(CLI::App* verb, ImportArguments& given) {
  verb->add_option("path", given.path,
                   "Weights (.safetensors, .pth, .pt, .bin) or the folder that they are in; config.json and "
                   "preprocessor_config.json beside them go along")
      ->required();
  verb->add_option("--model", *given.options.mutable_model(), "The model to publish as")->required();
  verb->add_option("--alias", given.aliases, "An alias that moves to the new version; repeatable");
  verb->add_option("--preset", *given.options.mutable_preset(), "Take the numbers of heads of this preset");
  verb->add_option("--heads", given.heads, "Attention heads of the encoder, where no config.json says");
  verb->add_option("--decoder-heads", given.decoder_heads, "Attention heads of the decoder");
  verb->add_option("--image-size", given.image_size,
                   "Pixels a side, or HEIGHTxWIDTH; without it a square grid");
  verb->add_option("--labels", given.labels, "Names of the classes: cat,dog or @FILE with a name a line");
  verb->add_option("--mean", given.mean, "Mean of the pixels (0..1) a channel: 0.5,0.5,0.5")->delimiter(',');
  verb->add_option("--std", given.std_dev, "Standard deviation, likewise")->delimiter(',');
  verb->add_option("--layer-norm-eps", given.layer_norm_eps,
                   "Epsilon of every LayerNorm; 1e-6 unless a config says");
  verb->add_option("--mask-ratio", given.mask_ratio, "Share of patches hidden; 0.75 unless a config says");
  verb->add_flag("--norm-pix", given.norm_pix, "The decoder predicts normalised patches");
  verb->add_option("--source", *given.options.mutable_source(), "For the card: where the weights are from");
  verb->add_option("--license", *given.options.mutable_license(), "For the card: their licence");
}

}  // namespace

void AddImportCommand(VerbRegistry& verbs) {
  CLI::App* verb =
      verbs.Add("Models", "import-model", "Publish weights of the official MAE code, transformers or timm",
                "import-model vit-mae-base/ --model vit-mae\n"
                "import-model mae_pretrain_vit_base_full.pth --model mae-base --norm-pix\n"
                "import-model toy.safetensors --model toy --heads 3 --mean 0.286 --std 0.353");
  auto given = std::make_shared<ImportArguments>();
  AddImportOptions(verb, *given);
  verbs.OnChosen(verb, [&verbs, given] { return ImportModel(verbs.session(), *given); });
}

}  // namespace mae
