#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "client/contact_sheet.h"
#include "client/output.h"
#include "client/output_folder.h"
#include "client/readable.h"
#include "client/resource_name.h"
#include "client/table.h"
#include "client/verb_registry.h"
#include "mae/v1/dataset.grpc.pb.h"

namespace mae {
namespace {

/// As many as one GetDatasetImages takes.
constexpr int64_t kImagesPerCall = 256;
/// More small files in one folder are slow to look at; --first goes on from there.
constexpr int64_t kMaxImages = 4096;
constexpr int64_t kSheetImages = 64;

std::string Shape(const v1::Dataset& dataset) {
  if (dataset.image_height() == 0) return "";
  return absl::StrCat(dataset.image_height(), "x", dataset.image_width(), "x", dataset.channels());
}

std::string DatasetsTable(const v1::ListDatasetsResponse& response) {
  Table table({"DATASET", "FORMAT", "TRAIN", "VALIDATION", "IMAGES", "CLASSES", "PROBLEM"});
  for (const v1::Dataset& dataset : response.datasets()) {
    table.Add({ShortName(dataset.name()), dataset.format(), Grouped(dataset.train_images()),
               Grouped(dataset.validation_images()), Shape(dataset), absl::StrCat(dataset.labels_size()),
               dataset.problem()});
  }
  return table.Text();
}

std::string DatasetFields(const v1::Dataset& dataset) {
  const auto number = [](std::string* out, double value) { absl::StrAppend(out, ReadableNumber(value)); };
  return FieldLines({{"dataset", dataset.name()},
                     {"problem", dataset.problem()},
                     {"format", dataset.format()},
                     {"path", dataset.path()},
                     {"train images", Grouped(dataset.train_images())},
                     {"validation images", Grouped(dataset.validation_images())},
                     {"size", Shape(dataset)},
                     {"classes", absl::StrCat(dataset.labels_size())},
                     {"labels", absl::StrJoin(dataset.labels(), ", ")},
                     {"mean", absl::StrJoin(dataset.mean(), " ", number)},
                     {"std", absl::StrJoin(dataset.std(), " ", number)}});
}

absl::Status ListDatasets(Session& session) {
  v1::ListDatasetsRequest request;
  v1::ListDatasetsResponse all;
  do {
    MAE_ASSIGN_OR_RETURN(const auto page,
                         session.Call<v1::DatasetService>(&v1::DatasetService::Stub::ListDatasets, request));
    all.mutable_datasets()->MergeFrom(page.datasets());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return WriteMessage(session.options.format, all, [&] { return DatasetsTable(all); });
}

struct DatasetOptions {
  std::string name;
  int64_t images = 0;  ///< 0: facts only
  std::string split = "validation";
  int64_t first = 0;
  std::string out;
  std::string contact_sheet;  ///< a file to write; empty: none
};

// Images from all over the split, since folders have theirs class after class.
absl::Status WriteContactSheet(Session& session, const DatasetOptions& options, const v1::Dataset& dataset) {
  const int64_t total = options.split == "train" ? dataset.train_images() : dataset.validation_images();
  v1::GetDatasetImagesRequest request;
  request.set_name(dataset.name());
  request.set_split(options.split);
  request.set_count(static_cast<int32_t>(std::clamp<int64_t>(total, 1, kSheetImages)));
  request.set_stride(std::max<int64_t>(1, total / kSheetImages));
  MAE_ASSIGN_OR_RETURN(const auto images, session.Call<v1::DatasetService>(
                                              &v1::DatasetService::Stub::GetDatasetImages, request));
  MAE_ASSIGN_OR_RETURN(const Picture sheet, ContactSheet(images));
  MAE_ASSIGN_OR_RETURN(const std::string png, EncodePng(sheet));
  MAE_RETURN_IF_ERROR(WriteFileDurably(options.contact_sheet, png));
  session.Note(absl::StrCat(images.images_size(), " images of the ", options.split, " split are in ",
                            options.contact_sheet));
  return absl::OkStatus();
}

absl::Status GetDataset(Session& session, const DatasetOptions& options) {
  v1::GetDatasetRequest request;
  request.set_name(ResourceName("datasets", options.name));
  MAE_ASSIGN_OR_RETURN(const auto dataset,
                       session.Call<v1::DatasetService>(&v1::DatasetService::Stub::GetDataset, request));
  MAE_RETURN_IF_ERROR(WriteMessage(session.options.format, dataset, [&] { return DatasetFields(dataset); }));
  if (dataset.problem().empty()) {
    return options.contact_sheet.empty() ? absl::OkStatus() : WriteContactSheet(session, options, dataset);
  }
  return absl::DataLossError(absl::StrCat(dataset.name(), " can't be used: ", dataset.problem()));
}

std::string FileNameOf(const v1::DatasetImage& image) {
  const std::string slug = Slug(image.label_name());
  return absl::StrFormat("%05d-%s.png", image.index(), slug.empty() ? absl::StrCat(image.label()) : slug);
}

absl::Status SaveImages(const v1::GetDatasetImagesResponse& response, OutputFolder& folder,
                        v1::GetDatasetImagesResponse& saved, Table& table) {
  for (const v1::DatasetImage& image : response.images()) {
    const std::string name = FileNameOf(image);
    MAE_RETURN_IF_ERROR(folder.Write(name, image.png()));
    table.Add(
        {folder.PathOf(name), absl::StrCat(image.index()), absl::StrCat(image.label()), image.label_name()});
    v1::DatasetImage* row = saved.add_images();
    *row = image;
    row->clear_png();
  }
  return absl::OkStatus();
}

absl::Status GetImages(Session& session, const DatasetOptions& options) {
  if (options.out.empty()) return absl::InvalidArgumentError("--images needs --out DIR, where the files go");
  MAE_ASSIGN_OR_RETURN(OutputFolder folder, OutputFolder::Plan(options.out));
  v1::GetDatasetImagesRequest request;
  request.set_name(ResourceName("datasets", options.name));
  request.set_split(options.split);
  Table table({"FILE", "INDEX", "CLASS", "LABEL"});
  v1::GetDatasetImagesResponse saved;
  for (int64_t done = 0; done < options.images;) {
    request.set_first(options.first + done);
    request.set_count(static_cast<int32_t>(std::min(options.images - done, kImagesPerCall)));
    MAE_ASSIGN_OR_RETURN(const auto page, session.Call<v1::DatasetService>(
                                              &v1::DatasetService::Stub::GetDatasetImages, request));
    MAE_RETURN_IF_ERROR(SaveImages(page, folder, saved, table));
    done += page.images_size();
    if (page.images_size() < request.count()) break;
  }
  if (saved.images_size() < options.images) {
    session.Note(
        absl::StrCat("only ", saved.images_size(), " of ", options.images, ": the split ends there"));
  }
  return WriteMessage(session.options.format, saved, [&] { return table.Text(); });
}

}  // namespace

void AddDatasetCommands(VerbRegistry& verbs) {
  CLI::App* list = verbs.Add("Data", "list-datasets", "The datasets that jobs may train on", "list-datasets");
  verbs.OnChosen(list, [&verbs] { return ListDatasets(verbs.session()); });
  CLI::App* get = verbs.Add("Data", "get-dataset", "One dataset: size, classes, statistics; sample images",
                            "get-dataset fashion-mnist\n"
                            "get-dataset fashion-mnist --images 16 --split validation --out samples\n"
                            "get-dataset fashion-mnist --contact-sheet fashion.png");
  auto options = std::make_shared<DatasetOptions>();
  get->add_option("dataset", options->name, "The dataset")->required();
  auto* images = get->add_option("--images", options->images, "Save this many images as PNG")
                     ->check(CLI::Range(int64_t{1}, kMaxImages));
  get->add_option("--split", options->split, "train or validation")
      ->check(CLI::IsMember({"train", "validation"}))
      ->capture_default_str();
  get->add_option("--contact-sheet", options->contact_sheet,
                  "Write a PNG with 64 images from all over the split")
      ->excludes(images);
  get->add_option("--first", options->first, "Index of the first image")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->needs(images);
  get->add_option("--out", options->out, "The folder for them")->needs(images);
  verbs.OnChosen(get, [&verbs, options] {
    return options->images > 0 ? GetImages(verbs.session(), *options) : GetDataset(verbs.session(), *options);
  });
}

}  // namespace mae
