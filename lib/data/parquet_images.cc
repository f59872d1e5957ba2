#include "data/parquet_images.h"

#include "absl/strings/str_cat.h"
#include "base/program_module.h"
#include "base/status_macros.h"
#include "data/parquet_reader.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

SplitFiles FilesOf(const fs::path& path) { return FindSplitFiles({path, path / "data"}, ".parquet"); }

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
  MAE_ASSIGN_OR_RETURN(const auto read, FindModuleFunction<decltype(&MaeReadParquetImages)>(
                                            "mae_parquet", "MaeReadParquetImages"));
  absl::StatusOr<EncodedDataset> result;
  read({files, train_limit, validation_limit}, result);
  return result;
}

}  // namespace mae
