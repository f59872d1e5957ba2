#include "data/parquet_images.h"

#include <dlfcn.h>

#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/parquet_reader.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

using ReadParquet = decltype(&MaeReadParquetImages);

SplitFiles FilesOf(const fs::path& path) { return FindSplitFiles({path, path / "data"}, ".parquet"); }

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

bool HasParquetImages(const fs::path& path) { return !FilesOf(path).train.empty(); }

absl::StatusOr<EncodedDataset> ScanParquetImages(const fs::path& path, int64_t train_limit,
                                                 int64_t validation_limit) {
  const SplitFiles files = FilesOf(path);
  if (files.train.empty() || files.validation.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "'", path.string(), "' has no Parquet files for ",
        files.train.empty() ? "training: *train*.parquet" : "validation: *val*.parquet or *test*.parquet"));
  }
  MAE_ASSIGN_OR_RETURN(const ReadParquet read, LoadReader());
  absl::StatusOr<EncodedDataset> result;
  read({files, train_limit, validation_limit}, result);
  return result;
}

}  // namespace mae
