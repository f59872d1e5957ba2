#include "data/parquet_images.h"

#include <dlfcn.h>

#include <algorithm>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/parquet_reader.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

using ReadParquet = decltype(&MaeReadParquetImages);

std::vector<fs::path> FilesNamed(const fs::path& root, std::initializer_list<const char*> words) {
  std::vector<fs::path> files;
  for (const fs::path& folder : {root, root / "data"}) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      const std::string name = absl::AsciiStrToLower(it->path().filename().string());
      if (!name.ends_with(".parquet") || name.starts_with(".")) continue;
      const bool wanted = std::any_of(words.begin(), words.end(),
                                      [&](const char* word) { return absl::StrContains(name, word); });
      if (wanted) files.push_back(it->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// From the module beside the program; it stays loaded. Safe from any thread.
absl::StatusOr<ReadParquet> LoadReader() {
  std::error_code error;
  const fs::path module = fs::read_symlink("/proc/self/exe", error).parent_path() / "libmae_parquet.so";
  void* const handle = dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const symbol = handle == nullptr ? nullptr : dlsym(handle, "MaeReadParquetImages");
  if (symbol != nullptr) return reinterpret_cast<ReadParquet>(symbol);
  return absl::FailedPreconditionError(
      absl::StrCat("Parquet needs ", module.string(), ", which can't be loaded: ", dlerror()));
}

}  // namespace

bool HasParquetImages(const fs::path& path) { return !FilesNamed(path, {"train"}).empty(); }

absl::StatusOr<EncodedDataset> ScanParquetImages(const fs::path& path, int64_t limit) {
  const ParquetFiles files{FilesNamed(path, {"train"}), FilesNamed(path, {"val", "test"})};
  if (files.train.empty() || files.validation.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "'", path.string(), "' has no Parquet files for ",
        files.train.empty() ? "training: *train*.parquet" : "validation: *test*.parquet or *val*.parquet"));
  }
  MAE_ASSIGN_OR_RETURN(const ReadParquet read, LoadReader());
  absl::StatusOr<EncodedDataset> result;
  read(files, limit, result);
  return result;
}

}  // namespace mae
