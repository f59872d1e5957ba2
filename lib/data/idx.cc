#include "data/idx.h"

#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "data/gz_file.h"

namespace mae {
namespace {

constexpr uint32_t kImagesMagic = 0x803;  // unsigned bytes, three dimensions
constexpr uint32_t kLabelsMagic = 0x801;  // unsigned bytes, one dimension
constexpr int64_t kMaxSide = 8192;
constexpr int64_t kBlockBytes = int64_t{1} << 20;  // read at once

struct IdxHeader {
  int64_t count = 0, height = 1, width = 1;
  int64_t content_bytes() const { return count * height * width; }
};

std::string ImagesStem(Split split) {
  return split == Split::kTrain ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte";
}
std::string LabelsStem(Split split) {
  return split == Split::kTrain ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte";
}

bool Exists(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

absl::StatusOr<GzFile> OpenPlainOrGz(const std::filesystem::path& folder, const std::string& stem) {
  for (const char* suffix : {"", ".gz"}) {
    if (Exists(folder / (stem + suffix))) return GzFile::Open(folder / (stem + suffix));
  }
  return absl::NotFoundError(
      absl::StrCat("'", folder.string(), "' holds neither '", stem, "' nor '", stem, ".gz'"));
}

absl::StatusOr<uint32_t> ReadBigEndian(GzFile& file) {
  std::array<uint8_t, 4> b{};
  MAE_RETURN_IF_ERROR(ReadExactly(file, absl::MakeSpan(b)));
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | uint32_t{b[3]};
}

absl::Status CheckMagic(GzFile& file, uint32_t wanted, const char* what) {
  MAE_ASSIGN_OR_RETURN(const uint32_t magic, ReadBigEndian(file));
  if (magic == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "'%s' starts with magic number 0x%08x; IDX %s start with 0x%08x", file.name(), magic, what, wanted));
}

absl::StatusOr<int64_t> ReadDimension(GzFile& file, const char* what, int64_t limit) {
  MAE_ASSIGN_OR_RETURN(const int64_t value, ReadBigEndian(file));
  if (value >= 1 && value <= limit) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("'", file.name(), "' gives ", value, " as its ", what, "; 1 to ", limit, " is possible"));
}

absl::StatusOr<IdxHeader> ReadImagesHeader(GzFile& file) {
  MAE_RETURN_IF_ERROR(CheckMagic(file, kImagesMagic, "images"));
  IdxHeader header;
  MAE_ASSIGN_OR_RETURN(header.count, ReadDimension(file, "image count", kMaxDatasetFileBytes));
  MAE_ASSIGN_OR_RETURN(header.height, ReadDimension(file, "image height", kMaxSide));
  MAE_ASSIGN_OR_RETURN(header.width, ReadDimension(file, "image width", kMaxSide));
  MAE_RETURN_IF_ERROR(
      file.CheckSize(16 + header.content_bytes(),
                     absl::StrCat(header.count, " images of ", header.height, "x", header.width)));
  return header;
}

absl::StatusOr<IdxHeader> ReadLabelsHeader(GzFile& file) {
  MAE_RETURN_IF_ERROR(CheckMagic(file, kLabelsMagic, "labels"));
  IdxHeader header;
  MAE_ASSIGN_OR_RETURN(header.count, ReadDimension(file, "label count", kMaxDatasetFileBytes));
  MAE_RETURN_IF_ERROR(file.CheckSize(8 + header.content_bytes(), absl::StrCat(header.count, " labels")));
  return header;
}

// At the first label.
absl::StatusOr<GzFile> OpenLabels(const std::filesystem::path& folder, Split split, int64_t image_count) {
  MAE_ASSIGN_OR_RETURN(GzFile file, OpenPlainOrGz(folder, LabelsStem(split)));
  MAE_ASSIGN_OR_RETURN(const IdxHeader header, ReadLabelsHeader(file));
  if (header.count != image_count) {
    return absl::InvalidArgumentError(absl::StrCat("'", file.name(), "' has ", header.count, " labels, but '",
                                                   ImagesStem(split), "' beside it has ", image_count,
                                                   " images"));
  }
  return file;
}

absl::StatusOr<std::vector<uint8_t>> ReadLabels(const std::filesystem::path& folder, Split split,
                                                int64_t image_count) {
  MAE_ASSIGN_OR_RETURN(GzFile file, OpenLabels(folder, split, image_count));
  std::vector<uint8_t> labels;
  MAE_RETURN_IF_ERROR(AppendBytes(file, image_count, labels));
  MAE_RETURN_IF_ERROR(file.ExpectEnd());
  return labels;
}

// Of labels to the end of the file, which may be more than fit in memory.
absl::StatusOr<int64_t> GreatestLabel(GzFile& file, int64_t count) {
  std::vector<uint8_t> block(static_cast<size_t>(std::min(count, kBlockBytes)));
  uint8_t greatest = 0;
  for (int64_t left = count; left > 0; left -= static_cast<int64_t>(block.size())) {
    block.resize(static_cast<size_t>(std::min(left, kBlockBytes)));
    MAE_RETURN_IF_ERROR(ReadExactly(file, absl::MakeSpan(block)));
    greatest = std::max(greatest, *std::max_element(block.begin(), block.end()));
  }
  MAE_RETURN_IF_ERROR(file.ExpectEnd());
  return greatest;
}

struct SplitSummary {
  IdxHeader images;
  int64_t classes = 0;
};

absl::StatusOr<SplitSummary> InspectSplit(const std::filesystem::path& folder, Split split) {
  SplitSummary summary;
  MAE_ASSIGN_OR_RETURN(GzFile file, OpenPlainOrGz(folder, ImagesStem(split)));
  MAE_ASSIGN_OR_RETURN(summary.images, ReadImagesHeader(file));
  MAE_ASSIGN_OR_RETURN(GzFile labels, OpenLabels(folder, split, summary.images.count));
  MAE_ASSIGN_OR_RETURN(const int64_t greatest, GreatestLabel(labels, summary.images.count));
  summary.classes = 1 + greatest;
  return summary;
}

absl::Status CheckSameShape(const std::filesystem::path& folder, const IdxHeader& train,
                            const IdxHeader& validation) {
  if (train.height == validation.height && train.width == validation.width) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", folder.string(), "' has training images of ", train.height, "x", train.width,
      " but validation images of ", validation.height, "x", validation.width, "; they must be of one size"));
}

// The next images with their labels.
struct IdxBlock {
  std::vector<uint8_t> pixels, labels;
};

absl::Status ReadBlock(GzFile& images, GzFile& labels, int64_t count, int64_t image_bytes, IdxBlock& block) {
  block.pixels.resize(static_cast<size_t>(count * image_bytes));
  block.labels.resize(static_cast<size_t>(count));
  MAE_RETURN_IF_ERROR(ReadExactly(images, absl::MakeSpan(block.pixels)));
  return ReadExactly(labels, absl::MakeSpan(block.labels));
}

}  // namespace

bool HasIdxFiles(const std::filesystem::path& folder) {
  for (Split split : {Split::kTrain, Split::kValidation}) {
    for (const std::string& stem : {ImagesStem(split), LabelsStem(split)}) {
      if (Exists(folder / stem) || Exists(folder / (stem + ".gz"))) return true;
    }
  }
  return false;
}

absl::StatusOr<DatasetInfo> InspectIdx(const std::filesystem::path& folder) {
  MAE_ASSIGN_OR_RETURN(const SplitSummary train, InspectSplit(folder, Split::kTrain));
  MAE_ASSIGN_OR_RETURN(const SplitSummary validation, InspectSplit(folder, Split::kValidation));
  MAE_RETURN_IF_ERROR(CheckSameShape(folder, train.images, validation.images));
  DatasetInfo info;
  info.format = "idx";
  info.train_images = train.images.count;
  info.validation_images = validation.images.count;
  info.channels = 1;
  info.height = train.images.height;
  info.width = train.images.width;
  const int64_t classes = std::max(train.classes, validation.classes);
  for (int64_t label = 0; label < classes; ++label) info.labels.push_back(absl::StrCat(label));
  return info;
}

absl::StatusOr<ImageSet> LoadIdx(const std::filesystem::path& folder, Split split, int64_t limit) {
  MAE_ASSIGN_OR_RETURN(GzFile file, OpenPlainOrGz(folder, ImagesStem(split)));
  MAE_ASSIGN_OR_RETURN(const IdxHeader header, ReadImagesHeader(file));
  MAE_ASSIGN_OR_RETURN(const std::vector<uint8_t> labels, ReadLabels(folder, split, header.count));
  ImageSet set;
  set.count = limit > 0 ? std::min(limit, header.count) : header.count;
  set.channels = 1;
  set.height = header.height;
  set.width = header.width;
  set.labels.assign(labels.begin(), labels.begin() + set.count);
  MAE_RETURN_IF_ERROR(AppendBytes(file, set.count * set.image_bytes(), set.pixels));
  if (set.count == header.count) MAE_RETURN_IF_ERROR(file.ExpectEnd());
  return set;
}

absl::Status VisitIdx(const std::filesystem::path& folder, Split split, const ImageChoice& choice,
                      ImageVisit visit) {
  MAE_ASSIGN_OR_RETURN(GzFile images, OpenPlainOrGz(folder, ImagesStem(split)));
  MAE_ASSIGN_OR_RETURN(const IdxHeader header, ReadImagesHeader(images));
  MAE_ASSIGN_OR_RETURN(GzFile labels, OpenLabels(folder, split, header.count));
  const int64_t image_bytes = header.height * header.width, end = std::min(choice.end, header.count);
  const int64_t at_once = std::max<int64_t>(1, kBlockBytes / image_bytes);
  IdxBlock block;
  for (int64_t start = 0; start < end; start += at_once) {
    const int64_t count = std::min(at_once, end - start);
    MAE_RETURN_IF_ERROR(ReadBlock(images, labels, count, image_bytes, block));
    for (int64_t i = 0; i < count; ++i) {
      if (!choice.Has(start + i)) continue;
      const ImageView image = {block.pixels.data() + i * image_bytes, 1, header.height, header.width};
      MAE_RETURN_IF_ERROR(visit(start + i, block.labels[static_cast<size_t>(i)], image));
    }
  }
  if (end < header.count) return absl::OkStatus();
  MAE_RETURN_IF_ERROR(labels.ExpectEnd());
  return images.ExpectEnd();
}

}  // namespace mae
