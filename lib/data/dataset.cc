#include "data/dataset.h"

#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/cifar.h"
#include "data/idx.h"
#include "data/known_datasets.h"

namespace mae {
namespace {

absl::Status NothingKnownAt(const std::string& name, const std::filesystem::path& path) {
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("dataset '", name, "': ", path.string()));
  if (!exists) {
    return absl::NotFoundError(absl::StrCat("dataset '", name, "': there is no '", path.string(), "'"));
  }
  return absl::NotFoundError(
      absl::StrCat("dataset '", name, "': '", path.string(),
                   "' holds none of the formats read: IDX (train-images-idx3-ubyte, train-labels-idx1-ubyte, "
                   "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or .gz), CIFAR-10 "
                   "(data_batch_1.bin to data_batch_5.bin and test_batch.bin, or cifar-10-binary.tar.gz), "
                   "CIFAR-100 (train.bin and test.bin, or cifar-100-binary.tar.gz)"));
}

absl::StatusOr<DatasetInfo> InspectFiles(const std::string& name, const std::filesystem::path& path) {
  if (HasIdxFiles(path)) return InspectIdx(path);
  MAE_ASSIGN_OR_RETURN(std::optional<DatasetInfo> info, InspectCifar(path));
  if (!info) return NothingKnownAt(name, path);
  return *std::move(info);
}

absl::Status AddWhatIsKnown(DatasetInfo& info) {
  const KnownDataset* known = FindKnownDataset(info.name);
  if (known == nullptr || known->format != info.format) {
    info.mean.assign(info.channels, 0.5);
    info.std_dev.assign(info.channels, 0.5);
    return absl::OkStatus();
  }
  if (info.labels.size() > known->labels.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", info.path.string(), "' uses label ", info.labels.size() - 1, ", but ", known->name,
        " has labels 0 to ", known->labels.size() - 1, "; if it is another dataset, give it another name"));
  }
  info.labels = known->labels;
  info.mean = known->mean;
  info.std_dev = known->std_dev;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DatasetInfo> InspectDataset(const std::string& name, const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(DatasetInfo info, InspectFiles(name, path));
  info.name = name;
  info.path = path;
  MAE_RETURN_IF_ERROR(AddWhatIsKnown(info));
  return info;
}

absl::StatusOr<ImageSet> LoadSplit(const std::string& format, const std::filesystem::path& path, Split split,
                                   int64_t limit) {
  if (format == "idx") return LoadIdx(path, split, limit);
  if (format == "cifar10" || format == "cifar100") return LoadCifar(format, path, split, limit);
  return absl::InvalidArgumentError(
      absl::StrCat("dataset format '", format, "' is not known; idx, cifar10 and cifar100 are"));
}

}  // namespace mae
