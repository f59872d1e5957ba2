#include "data/image_folder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "image/image_header.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr const char* kValidationFolders[] = {"val", "validation", "valid", "test"};

bool IsHidden(const fs::path& path) { return path.filename().string().starts_with("."); }

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

absl::Status CannotList(const fs::path& path, const std::error_code& error) {
  return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot list '", path.string(), "'"));
}

// The entries that `wanted` accepts, sorted by name.
template <typename Wanted>
absl::StatusOr<std::vector<fs::path>> Listed(const fs::path& folder, const Wanted& wanted) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (wanted(*it)) found.push_back(it->path());
  }
  if (error) return CannotList(folder, error);
  std::sort(found.begin(), found.end());
  return found;
}

absl::StatusOr<std::vector<fs::path>> ClassFolders(const fs::path& split) {
  return Listed(split, [](const fs::directory_entry& entry) {
    return IsFolder(entry.path()) && !IsHidden(entry.path());
  });
}

absl::Status AddClass(const fs::path& folder, int64_t label, EncodedImages& images) {
  MAE_ASSIGN_OR_RETURN(const auto files, Listed(folder, [](const fs::directory_entry& entry) {
                         std::error_code ignored;  // what vanishes meanwhile is no picture
                         return IsPictureExtension(entry.path().extension().string()) &&
                                !IsHidden(entry.path()) && entry.is_regular_file(ignored);
                       }));
  for (const fs::path& file : files) {
    std::error_code error;
    const auto bytes = static_cast<int64_t>(fs::file_size(file, error));
    if (error) return CannotList(file, error);
    images.places.push_back({static_cast<int32_t>(images.files.size()), 0, bytes});
    images.files.push_back(file.string());
    images.labels.push_back(label);
  }
  return absl::OkStatus();
}

absl::StatusOr<EncodedImages> ScanSplit(const fs::path& split,
                                        const std::map<std::string, int64_t>& classes) {
  MAE_ASSIGN_OR_RETURN(const auto folders, ClassFolders(split));
  EncodedImages images;
  for (const fs::path& folder : folders) {
    const auto known = classes.find(folder.filename());
    if (known == classes.end()) {
      return absl::InvalidArgumentError(absl::StrCat("'", folder.string(), "' is a class that '",
                                                     (split.parent_path() / "train").string(),
                                                     "' has not; both must have the same folders"));
    }
    MAE_RETURN_IF_ERROR(AddClass(folder, known->second, images));
  }
  if (images.count() > 0) return images;
  return absl::InvalidArgumentError(absl::StrCat(
      "'", split.string(), "' holds no pictures; expected CLASS/*.png, .jpg, .jpeg, .webp or .bmp"));
}

std::optional<fs::path> ValidationFolder(const fs::path& path) {
  for (const char* name : kValidationFolders) {
    if (IsFolder(path / name)) return path / name;
  }
  return std::nullopt;
}

}  // namespace

bool HasImageFolders(const fs::path& path) {
  const auto folders = ClassFolders(path / "train");
  return folders.ok() && !folders->empty();
}

absl::StatusOr<EncodedDataset> ScanImageFolder(const fs::path& path) {
  MAE_ASSIGN_OR_RETURN(const auto folders, ClassFolders(path / "train"));
  EncodedDataset dataset;
  std::map<std::string, int64_t> classes;
  for (const fs::path& folder : folders) {
    classes.emplace(folder.filename(), static_cast<int64_t>(classes.size()));
    dataset.labels.push_back(folder.filename());
  }
  const auto validation = ValidationFolder(path);
  if (!validation) {
    return absl::NotFoundError(absl::StrCat(
        "'", path.string(), "' has no folder of validation images: val, validation, valid or test"));
  }
  MAE_ASSIGN_OR_RETURN(dataset.train, ScanSplit(path / "train", classes));
  MAE_ASSIGN_OR_RETURN(dataset.validation, ScanSplit(*validation, classes));
  dataset.train_images = dataset.train.count();
  dataset.validation_images = dataset.validation.count();
  return dataset;
}

}  // namespace mae
