#include <unistd.h>

#include <algorithm>
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
#include "client/bulk_calls.h"
#include "client/call_status.h"
#include "client/image_batches.h"
#include "client/option_values.h"
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
                                                                  {"random.mask_ratios", "--mask-ratio"},
                                                                  {"block.mask_ratio", "--mask-ratio"},
                                                                  {"block.mask_ratios", "--mask-ratio"},
                                                                  {"grid", "--mask-kind"},
                                                                  {"given.hidden", "--mask"},
                                                                  {"pixel_statistics", "--pixel-statistics"},
                                                                  {"picture_scale", "--scale"}};
const std::map<std::string, v1::PixelStatistics> kPixelStatistics = {
    {"raw", v1::PIXEL_STATISTICS_RAW},
    {"true-patch", v1::PIXEL_STATISTICS_TRUE_PATCH},
    {"visible-patches", v1::PIXEL_STATISTICS_VISIBLE_PATCHES}};
constexpr int64_t kMaxMaskBytes = 1 << 20;

struct ReconstructOptions {
  std::vector<std::string> images;
  std::string model;
  std::string mask_kind = "random";
  std::vector<double> mask_ratios;
  std::optional<uint64_t> seed;
  std::string mask_file;
  v1::PixelStatistics pixel_statistics = v1::PIXEL_STATISTICS_UNSPECIFIED;
  bool exact_size = false;
  bool keep_going = false;
  std::string out;
  bool all = false;
  int scale = 0;
  PictureFormat format = PictureFormat::kPng;

  size_t answers_an_image() const { return std::max<size_t>(mask_ratios.size(), 1); }
  std::string suffix() const { return format == PictureFormat::kPng ? ".png" : ".webp"; }
};

// @param mask a RandomMask or BlockMask.
template <typename Mask>
void SetDrawnMask(const ReconstructOptions& options, Mask& mask) {
  mask.set_seed(options.seed.value_or(0));
  if (options.mask_ratios.size() == 1) mask.set_mask_ratio(options.mask_ratios[0]);
  if (options.mask_ratios.size() > 1) {
    mask.mutable_mask_ratios()->Assign(options.mask_ratios.begin(), options.mask_ratios.end());
  }
}

absl::Status ReadMaskFile(const std::string& path, v1::GivenMask& mask) {
  MAE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxMaskBytes));
  for (const char c : text) {
    if (c == '0' || c == '1') mask.add_hidden(c == '1');
    if (c != '0' && c != '1' && c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      return absl::InvalidArgumentError(absl::StrCat("--mask ", path, ": '", std::string(1, c),
                                                     "' is neither 0 (shown) nor 1 (hidden), one a patch"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetMask(const ReconstructOptions& options, v1::ReconstructRequest& request) {
  if (!options.mask_file.empty()) return ReadMaskFile(options.mask_file, *request.mutable_given());
  if (options.mask_kind == "random") SetDrawnMask(options, *request.mutable_random());
  if (options.mask_kind == "block") SetDrawnMask(options, *request.mutable_block());
  if (options.mask_kind != "grid" && options.mask_kind != "none") return absl::OkStatus();
  if (!options.mask_ratios.empty()) {
    return absl::InvalidArgumentError(
        "--mask-ratio: a grid hides 3 of 4 patches and none hides nothing; a ratio is "
        "for --mask-kind random and block");
  }
  if (options.seed) {
    return absl::InvalidArgumentError(
        "--seed: a grid and none are not drawn; a seed is for --mask-kind random and block");
  }
  if (options.mask_kind == "grid") request.mutable_grid();
  if (options.mask_kind == "none") request.mutable_none();
  return absl::OkStatus();
}

constexpr const char* kPictureFields[] = {
    "original_png",  "masked_png",  "reconstruction_png",  "pasted_png",  "panel_png",
    "original_webp", "masked_webp", "reconstruction_webp", "pasted_webp", "panel_webp"};

// As --pixel-statistics has it.
std::string PixelStatisticsText(v1::PixelStatistics statistics) {
  for (const auto& [text, value] : kPixelStatistics) {
    if (value == statistics) return text;
  }
  return "";
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

  /// @param answer which of the picture's: the number of its ratio as asked.
  absl::Status Add(const ImageSource& source, const v1::ReconstructResponse& response,
                   const v1::Reconstruction& one, size_t answer) {
    table_.Add({source.name, absl::StrFormat("%.5f", one.loss()), ReadableNumber(one.mask_ratio()),
                response.model_version()});
    MAE_RETURN_IF_ERROR(AddJson(source, response, one));
    if (draws()) return Draw(source, one);
    if (!folder_) return absl::OkStatus();
    if (rows_.size() < kMaxPanelRows) {
      MAE_ASSIGN_OR_RETURN(std::vector<Picture> row, PicturesOf(one));
      rows_.push_back(std::move(row));
    }
    return SaveFiles(source, one, answer);
  }

  bool empty() const { return table_.rows() == 0; }
  size_t answers_an_image() const { return options_.answers_an_image(); }

  absl::Status Finish(Session& session) {
    const absl::Status saved = folder_ && !rows_.empty() ? SavePanel(session) : absl::OkStatus();
    if (globals_.format != OutputFormat::kTable) {
      MAE_RETURN_IF_ERROR(WriteJson(globals_.format, JsonRows(json_)));
    } else {
      WriteStdout(table_.Text());
    }
    return saved;
  }

 private:
  // All together; as PNG where they are too large for WebP.
  absl::Status SavePanel(Session& session) {
    std::string name = "panel" + options_.suffix();
    auto panel = EncodedPanel(rows_, options_.format);
    if (absl::IsInvalidArgument(panel.status()) && options_.format != PictureFormat::kPng) {
      name = "panel.png";
      panel = EncodedPanel(rows_, PictureFormat::kPng);
    }
    MAE_RETURN_IF_ERROR(panel.status());
    MAE_RETURN_IF_ERROR(folder_->Write(name, *panel));
    const std::string first =
        table_.rows() > rows_.size() ? absl::StrCat(" (the first ", rows_.size(), ")") : "";
    session.Note(absl::StrCat("pictures are in ", folder_->PathOf(""), ", all together in ",
                              folder_->PathOf(name), first));
    return absl::OkStatus();
  }

  absl::Status AddJson(const ImageSource& source, const v1::ReconstructResponse& response,
                       const v1::Reconstruction& one) {
    if (globals_.format == OutputFormat::kTable) return absl::OkStatus();
    v1::Reconstruction shown = one;
    for (const char* name : kPictureFields) {
      shown.GetReflection()->ClearField(&shown, shown.GetDescriptor()->FindFieldByName(name));
    }
    MAE_ASSIGN_OR_RETURN(const std::string text, ToJsonLine(shown));
    nlohmann::ordered_json row = {{"file", source.name},
                                  {"model_version", response.model_version()},
                                  {"mask_ratio", one.mask_ratio()},
                                  {"pixel_statistics", PixelStatisticsText(response.pixel_statistics())},
                                  {"grid_rows", response.grid_rows()},
                                  {"grid_cols", response.grid_cols()}};
    row.update(nlohmann::ordered_json::parse(text));
    for (const char* name : kPictureFields) row.erase(name);
    row.erase("image");  // in its batch; "file" says more
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

  absl::Status SaveFiles(const ImageSource& source, const v1::Reconstruction& one, size_t answer) {
    // As asked: what a model's few patches make of it may be the same for two.
    const std::string ratio =
        options_.answers_an_image() > 1 ? absl::StrCat("-", options_.mask_ratios[answer]) : std::string();
    const std::string stem = folder_->UniqueStem(source.stem() + ratio);
    const std::string suffix = options_.suffix();
    const bool is_png = options_.format == PictureFormat::kPng;
    const auto write = [&](const std::string& part, const std::string& png, const std::string& webp) {
      return folder_->Write(absl::StrCat(stem, ".", part, suffix), is_png ? png : webp);
    };
    MAE_RETURN_IF_ERROR(write("panel", one.panel_png(), one.panel_webp()));
    if (!options_.all) return absl::OkStatus();
    MAE_RETURN_IF_ERROR(write("original", one.original_png(), one.original_webp()));
    MAE_RETURN_IF_ERROR(write("masked", one.masked_png(), one.masked_webp()));
    MAE_RETURN_IF_ERROR(write("reconstruction", one.reconstruction_png(), one.reconstruction_webp()));
    return write("pasted", one.pasted_png(), one.pasted_webp());
  }

  const ReconstructOptions& options_;
  const GlobalOptions& globals_;
  std::optional<OutputFolder> folder_;
  std::vector<std::vector<Picture>> rows_;
  Table table_{{"FILE", "LOSS", "MASK", "MODEL"}};
  std::vector<std::string> json_;
  size_t drawn_ = 0;
};

absl::Status Ask(Session& session, const v1::ReconstructRequest& base, const BatchLimits& limits,
                 const std::vector<ImageSource>& sources, LeftOut& left_out, Reconstructions& results) {
  MAE_ASSIGN_OR_RETURN(const Connection* connection, session.Connect());
  const size_t answers = results.answers_an_image();
  BulkCalls<v1::ReconstructRequest, v1::ReconstructResponse> calls(
      *connection, &AsyncInference::Reconstruct, base, limits, left_out, static_cast<int64_t>(answers));
  return calls.Run(sources, [&](const auto& batch, const auto& response) -> absl::Status {
    if (response.reconstructions_size() != static_cast<int>(batch.size() * answers)) {
      return absl::InternalError(
          "the server answered another number of reconstructions than images were sent");
    }
    for (size_t i = 0; i < batch.size() * answers; ++i) {
      MAE_RETURN_IF_ERROR(results.Add(batch[i / answers], response,
                                      response.reconstructions(static_cast<int>(i)), i % answers));
    }
    return absl::OkStatus();
  });
}

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
  base.set_pixel_statistics(options.pixel_statistics);
  base.set_exact_size(options.exact_size);
  if (options.format == PictureFormat::kWebp) base.set_picture_format(v1::PICTURE_FORMAT_WEBP);
  MAE_ASSIGN_OR_RETURN(const BatchLimits limits, AskBatchLimits(session));
  LeftOut left_out(options.keep_going);
  const absl::Status status = Ask(session, base, limits, sources, left_out, results);
  if (!status.ok() && results.empty()) return NameOptions(status, kOptionsOfReconstruct);
  // What was done before a bad picture is shown as well.
  const absl::Status finished = results.Finish(session);
  if (!status.ok()) return NameOptions(status, kOptionsOfReconstruct);
  return finished.ok() ? left_out.Result() : finished;
}

}  // namespace

void AddReconstructCommand(VerbRegistry& verbs) {
  CLI::App* verb =
      verbs.Add("Use a model", "reconstruct", "Hide patches of pictures and paint them back",
                "reconstruct shirt.png --model fashion-mae\n"
                "reconstruct photos/ --model fashion-mae@latest --mask-ratio 0.5,0.75 --out panels\n"
                "reconstruct - --model fashion-mae < shirt.png");
  auto options = std::make_shared<ReconstructOptions>();
  verb->add_option("images", options->images, "Files, folders, or - for stdin")->required();
  verb->add_option("--model", options->model, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  auto* kind =
      verb->add_option("--mask-kind", options->mask_kind,
                       "random patches, block: rectangles of them, grid: all but one of four, or none: the "
                       "model sees all of the picture")
          ->check(CLI::IsMember({"random", "block", "grid", "none"}))
          ->capture_default_str();
  auto* ratio =
      verb->add_option("--mask-ratio", options->mask_ratios,
                       "Share of patches hidden, between 0 and 1; several, as 0.5,0.75, reconstruct each "
                       "picture at each")
          ->delimiter(',')
          ->allow_extra_args(false);
  auto* seed = verb->add_option("--seed", options->seed, "Which patches; for --mask-kind random and block")
                   ->default_str("0");
  verb->add_option("--mask", options->mask_file,
                   "A text file with 0 (shown) or 1 (hidden) for each patch, row by row")
      ->excludes(kind)
      ->excludes(ratio)
      ->excludes(seed);
  verb->add_option(
          "--pixel-statistics", options->pixel_statistics,
          "Where a model that predicts patches without their mean and variance gets these: true-patch (the "
          "default) or visible-patches, which uses nothing that is hidden; raw for other models")
      ->transform(OneOfNames(kPixelStatistics))
      ->type_name("WAY");
  verb->add_flag("--exact-size", options->exact_size,
                 "Refuse pictures of another size than the model's instead of scaling and cutting them");
  AddKeepGoing(verb, options->keep_going);
  auto* out =
      verb->add_option("--out", options->out,
                       "Write NAME.panel.png for each picture and panel.png of all here (of several ratios "
                       "NAME-RATIO.panel.png; .webp with --format webp); without it they are drawn in the "
                       "terminal");
  verb->add_flag("--all", options->all, "With --out: also original, masked, reconstruction and pasted")
      ->needs(out);
  verb->add_option("--scale", options->scale, "With --out: pixels a side that a pixel is drawn as")
      ->check(CLI::Range(1, 32))
      ->needs(out);
  verb->add_option("--format", options->format,
                   "With --out: png or webp (lossless; panel.png stays PNG where it is above WebP's 16383 "
                   "pixels a side)")
      ->transform(OneOfNames<PictureFormat>({{"png", PictureFormat::kPng}, {"webp", PictureFormat::kWebp}}))
      ->type_name("FORMAT")
      ->needs(out);
  verbs.OnChosen(verb, [&verbs, options] { return Reconstruct(verbs.session(), *options); });
}

}  // namespace mae
