#include "data/tar_shards.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file_range.h"
#include "base/status_macros.h"
#include "data/split_files.h"
#include "data/tar_index.h"
#include "image/image_header.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxClassBytes = 32;

// A member's path apart: what the files of a sample share, and what tells them apart.
struct SampleName {
  std::string key, extension;  ///< all from the first dot on, which is part of it
};

SampleName SampleNameOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const size_t dot = path.find('.', slash == std::string::npos ? 0 : slash + 1);
  if (dot == std::string::npos) return {path, ""};
  return {path.substr(0, dot), absl::AsciiStrToLower(path.substr(dot))};
}

struct Sample {
  std::optional<EncodedImages::Place> image;
  std::optional<int64_t> label;
};

// Collects the samples of a split, shard after shard, each in the order of its first member.
class ShardReader {
 public:
  absl::Status AddShard(const fs::path& shard) {
    MAE_ASSIGN_OR_RETURN(const std::vector<TarPlace> places, IndexTar(shard));
    const auto file = static_cast<int32_t>(images_.files.size());
    images_.files.push_back(shard.string());
    std::vector<std::string> order;
    std::map<std::string, Sample> samples;
    for (const TarPlace& place : places) {
      const SampleName name = SampleNameOf(place.path);
      const bool is_class = name.extension == ".cls" || name.extension == ".cls.txt";
      if (!is_class && !IsPictureExtension(name.extension)) continue;
      const auto [found, is_new] = samples.try_emplace(name.key);
      if (is_new) order.push_back(name.key);
      Sample& sample = found->second;
      if (is_class) {
        MAE_ASSIGN_OR_RETURN(sample.label, ReadClass(shard, place));
      } else if (sample.image) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", shard.string(), "': sample '", name.key, "' has two images"));
      } else {
        sample.image = EncodedImages::Place{file, place.offset, place.bytes};
      }
    }
    for (const std::string& key : order) MAE_RETURN_IF_ERROR(AddSample(shard, key, samples.at(key)));
    return absl::OkStatus();
  }

  EncodedImages Take() { return std::move(images_); }

 private:
  static absl::StatusOr<int64_t> ReadClass(const fs::path& shard, const TarPlace& place) {
    int64_t label = 0;
    std::string text;
    if (place.bytes > 0 && place.bytes <= kMaxClassBytes) {
      MAE_ASSIGN_OR_RETURN(text, ReadFileRange(shard, place.offset, place.bytes));
    }
    if (absl::SimpleAtoi(text, &label) && label >= 0 && label < kMaxDatasetClasses) return label;
    return absl::InvalidArgumentError(absl::StrCat("'", shard.string(), "': '", place.path,
                                                   "' must hold a class, a whole number from 0 to ",
                                                   kMaxDatasetClasses - 1, " as text"));
  }

  absl::Status AddSample(const fs::path& shard, const std::string& key, const Sample& sample) {
    if (!sample.image || !sample.label) {
      return absl::InvalidArgumentError(absl::StrCat("'", shard.string(), "': sample '", key, "' has no ",
                                                     sample.image ? "class (.cls)" : "image"));
    }
    images_.places.push_back(*sample.image);
    images_.labels.push_back(*sample.label);
    return absl::OkStatus();
  }

  EncodedImages images_;
};

absl::StatusOr<EncodedImages> ReadShards(const std::vector<fs::path>& shards) {
  ShardReader reader;
  for (const fs::path& shard : shards) MAE_RETURN_IF_ERROR(reader.AddShard(shard));
  EncodedImages images = reader.Take();
  if (images.count() > 0) return images;
  return absl::InvalidArgumentError(absl::StrCat("'", shards.front().string(), "' holds no samples"));
}

std::vector<std::string> ClassNames(const fs::path& folder) {
  std::vector<std::string> names;
  std::ifstream file(folder / "classes.txt");
  for (std::string line;
       std::getline(file, line) && static_cast<int64_t>(names.size()) < kMaxDatasetClasses;) {
    const absl::string_view name = absl::StripAsciiWhitespace(line);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

absl::Status NameClasses(const fs::path& folder, EncodedDataset& dataset) {
  int64_t greatest = 0;
  for (const EncodedImages* split : {&dataset.train, &dataset.validation})
    greatest = std::max(greatest, *std::max_element(split->labels.begin(), split->labels.end()));
  dataset.labels = ClassNames(folder);
  if (dataset.labels.empty()) {
    for (int64_t label = 0; label <= greatest; ++label) dataset.labels.push_back(absl::StrCat(label));
  }
  if (greatest < static_cast<int64_t>(dataset.labels.size())) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", (folder / "classes.txt").string(), "' names ",
                                                 dataset.labels.size(), " classes, but a sample has class ",
                                                 greatest));
}

}  // namespace

bool HasTarShards(const fs::path& path) { return !FindSplitFiles({path}, ".tar").train.empty(); }

absl::StatusOr<EncodedDataset> ScanTarShards(const fs::path& path) {
  const auto [train, validation] = FindSplitFiles({path}, ".tar");
  if (train.empty() || validation.empty()) {
    return absl::NotFoundError(
        absl::StrCat("'", path.string(), "' has no shards for ",
                     train.empty() ? "training: *train*.tar" : "validation: *val*.tar or *test*.tar"));
  }
  EncodedDataset dataset;
  MAE_ASSIGN_OR_RETURN(dataset.train, ReadShards(train));
  MAE_ASSIGN_OR_RETURN(dataset.validation, ReadShards(validation));
  MAE_RETURN_IF_ERROR(NameClasses(path, dataset));
  dataset.train_images = dataset.train.count();
  dataset.validation_images = dataset.validation.count();
  return dataset;
}

}  // namespace mae
