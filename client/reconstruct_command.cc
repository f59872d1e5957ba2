#include <unistd.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/image_batches.h"
#include "client/output.h"
#include "client/output_folder.h"
#include "client/panel_drawing.h"
#include "client/readable.h"
#include "client/table.h"
#include "client/terminal.h"
#include "client/verb_registry.h"
#include "mae/v1/inference.grpc.pb.h"

namespace mae {
namespace {

/// More would make a terminal, or panel.png, too long to look at.
constexpr size_t kMaxDrawn = 16;
constexpr size_t kMaxPanelRows = 64;
const std::map<std::string, std::string> kOptionsOfReconstruct = {{"model", "--model"},
                                                                  {"random.mask_ratio", "--mask-ratio"},
                                                                  {"given.hidden", "--mask"},
                                                                  {"picture_scale", "--scale"}};
constexpr int64_t kMaxMaskBytes = 1 << 20;

struct ReconstructOptions {
  std::vector<std::string> images;
  std::string model;
  std::optional<double> mask_ratio;
  uint64_t seed = 0;
  std::string mask_file;
  std::string out;
  bool all = false;
  int scale = 0;
};

absl::Status SetMask(const ReconstructOptions& options, v1::ReconstructRequest& request) {
  if (options.mask_file.empty()) {
    request.mutable_random()->set_seed(options.seed);
    if (options.mask_ratio) request.mutable_random()->set_mask_ratio(*options.mask_ratio);
    return absl::OkStatus();
  }
  MAE_ASSIGN_OR_RETURN(const std::string text, ReadFile(options.mask_file, kMaxMaskBytes));
  for (const char c : text) {
    if (c == '0' || c == '1') request.mutable_given()->add_hidden(c == '1');
    if (c != '0' && c != '1' && c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      return absl::InvalidArgumentError(absl::StrCat("--mask ", options.mask_file, ": '", std::string(1, c),
                                                     "' is neither 0 (shown) nor 1 (hidden), one a patch"));
    }
  }
  return absl::OkStatus();
}

/// Takes the answers as they come: files or drawings at once, what goes to stdout at the end.
class Reconstructions {
 public:
  Reconstructions(const ReconstructOptions& options, const GlobalOptions& globals,
                  std::optional<OutputFolder> folder)
      : options_(options), globals_(globals), folder_(std::move(folder)) {}

  bool draws() const {
    return !folder_ && globals_.format == OutputFormat::kTable && IsLiveTerminal(STDOUT_FILENO);
  }

  absl::Status Add(const ImageSource& source, const v1::ReconstructResponse& response,
                   const v1::Reconstruction& one) {
    table_.Add({source.name, absl::StrFormat("%.5f", one.loss()), ReadableNumber(response.mask_ratio()),
                response.model_version()});
    MAE_RETURN_IF_ERROR(AddJson(source, response, one));
    if (draws()) return Draw(source, one);
    if (!folder_) return absl::OkStatus();
    if (rows_.size() < kMaxPanelRows) {
      MAE_ASSIGN_OR_RETURN(std::vector<Picture> row, PicturesOf(one));
      rows_.push_back(std::move(row));
    }
    return SaveFiles(source, one);
  }

  bool empty() const { return table_.rows() == 0; }

  absl::Status Finish(Session& session) {
    if (folder_ && !rows_.empty()) {
      MAE_ASSIGN_OR_RETURN(const std::string png, PanelPng(rows_));
      MAE_RETURN_IF_ERROR(folder_->Write("panel.png", png));
      const std::string first =
          table_.rows() > rows_.size() ? absl::StrCat(" (the first ", rows_.size(), ")") : "";
      session.Note(absl::StrCat("pictures are in ", folder_->PathOf(""), ", all together in ",
                                folder_->PathOf("panel.png"), first));
    }
    if (globals_.format != OutputFormat::kTable) return WriteJson(globals_.format, JsonRows(json_));
    WriteStdout(table_.Text());
    return absl::OkStatus();
  }

 private:
  absl::Status AddJson(const ImageSource& source, const v1::ReconstructResponse& response,
                       const v1::Reconstruction& one) {
    if (globals_.format == OutputFormat::kTable) return absl::OkStatus();
    v1::Reconstruction shown = one;
    for (std::string* png :
         {shown.mutable_original_png(), shown.mutable_masked_png(), shown.mutable_reconstruction_png(),
          shown.mutable_pasted_png(), shown.mutable_panel_png()}) {
      png->clear();
    }
    MAE_ASSIGN_OR_RETURN(const std::string text, ToJsonLine(shown));
    nlohmann::ordered_json row = {{"file", source.name},
                                  {"model_version", response.model_version()},
                                  {"mask_ratio", response.mask_ratio()},
                                  {"grid_rows", response.grid_rows()},
                                  {"grid_cols", response.grid_cols()}};
    row.update(nlohmann::ordered_json::parse(text));
    for (const char* name : {"original_png", "masked_png", "reconstruction_png", "pasted_png", "panel_png"})
      row.erase(name);
    json_.push_back(row.dump());
    return absl::OkStatus();
  }

  absl::Status Draw(const ImageSource& source, const v1::Reconstruction& one) {
    if (++drawn_ > kMaxDrawn) return absl::OkStatus();
    MAE_ASSIGN_OR_RETURN(const std::vector<Picture> row, PicturesOf(one));
    MAE_ASSIGN_OR_RETURN(const std::string text,
                         DrawPanel(row, TerminalColumns(STDOUT_FILENO), ColorsOf(STDOUT_FILENO)));
    WriteStdout(absl::StrCat(source.name, "\n", text, "\n"));
    return absl::OkStatus();
  }

  absl::Status SaveFiles(const ImageSource& source, const v1::Reconstruction& one) {
    const std::string stem = folder_->UniqueStem(source.stem());
    MAE_RETURN_IF_ERROR(folder_->Write(stem + ".panel.png", one.panel_png()));
    if (!options_.all) return absl::OkStatus();
    MAE_RETURN_IF_ERROR(folder_->Write(stem + ".original.png", one.original_png()));
    MAE_RETURN_IF_ERROR(folder_->Write(stem + ".masked.png", one.masked_png()));
    MAE_RETURN_IF_ERROR(folder_->Write(stem + ".reconstruction.png", one.reconstruction_png()));
    return folder_->Write(stem + ".pasted.png", one.pasted_png());
  }

  const ReconstructOptions& options_;
  const GlobalOptions& globals_;
  std::optional<OutputFolder> folder_;
  std::vector<std::vector<Picture>> rows_;
  Table table_{{"FILE", "LOSS", "MASK", "MODEL"}};
  std::vector<std::string> json_;
  size_t drawn_ = 0;
};

absl::Status Reconstruct(Session& session, const ReconstructOptions& options) {
  MAE_ASSIGN_OR_RETURN(const std::vector<ImageSource> sources, ListImages(options.images));
  v1::ReconstructRequest base;
  base.set_model(options.model);
  MAE_RETURN_IF_ERROR(SetMask(options, base));
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) {
    MAE_ASSIGN_OR_RETURN(folder, OutputFolder::Plan(options.out));
  }
  Reconstructions results(options, session.options, std::move(folder));
  base.set_pictures(!options.out.empty() || results.draws());
  base.set_picture_scale(results.draws() ? 1 : options.scale);
  MAE_ASSIGN_OR_RETURN(const BatchLimits limits, AskBatchLimits(session));
  const absl::Status status =
      ForEachBatch(sources, limits, [&](const auto& batch, const auto& images) -> absl::Status {
        v1::ReconstructRequest request = base;
        request.mutable_images()->Assign(images.begin(), images.end());
        MAE_ASSIGN_OR_RETURN(const auto response, session.Call<v1::InferenceService>(
                                                      &v1::InferenceService::Stub::Reconstruct, request));
        if (response.reconstructions_size() != static_cast<int>(batch.size())) {
          return absl::InternalError(
              "the server answered another number of reconstructions than images were sent");
        }
        for (size_t i = 0; i < batch.size(); ++i) {
          MAE_RETURN_IF_ERROR(results.Add(batch[i], response, response.reconstructions(static_cast<int>(i))));
        }
        return absl::OkStatus();
      });
  if (!status.ok() && results.empty()) return NameOptions(status, kOptionsOfReconstruct);
  // What was done before a bad picture is shown as well.
  const absl::Status finished = results.Finish(session);
  return status.ok() ? finished : NameOptions(status, kOptionsOfReconstruct);
}

}  // namespace

void AddReconstructCommand(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Use a model", "reconstruct", "Hide patches of pictures and paint them back",
                             "reconstruct shirt.png --model fashion-mae\n"
                             "reconstruct photos/ --model fashion-mae@latest --mask-ratio 0.75 --out panels\n"
                             "cat shirt.png | mae_client reconstruct - --model fashion-mae");
  auto options = std::make_shared<ReconstructOptions>();
  verb->add_option("images", options->images, "Files, folders, or - for stdin")->required();
  verb->add_option("--model", options->model, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  auto* ratio =
      verb->add_option("--mask-ratio", options->mask_ratio, "Share of patches hidden, between 0 and 1");
  auto* seed = verb->add_option("--seed", options->seed, "Which patches")->capture_default_str();
  verb->add_option("--mask", options->mask_file,
                   "A text file with 0 (shown) or 1 (hidden) for each patch, row by row")
      ->excludes(ratio)
      ->excludes(seed);
  auto* out =
      verb->add_option("--out", options->out,
                       "Write NAME.panel.png for each picture and panel.png of all here; without it they are "
                       "drawn in the terminal");
  verb->add_flag("--all", options->all, "With --out: also original, masked, reconstruction and pasted")
      ->needs(out);
  verb->add_option("--scale", options->scale, "With --out: pixels a side that a pixel is drawn as")
      ->check(CLI::Range(1, 32))
      ->needs(out);
  verbs.OnChosen(verb, [&verbs, options] { return Reconstruct(verbs.session(), *options); });
}

}  // namespace mae
