#include "data/cifar.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data/gz_file.h"
#include "data/tar_archive.h"

namespace mae {
namespace {

constexpr int64_t kSide = 32;
constexpr int64_t kChannels = 3;
constexpr int64_t kImageBytes = kChannels * kSide * kSide;

struct CifarVariant {
  std::string format;
  int64_t label_bytes, classes;  // the label used is the last of its bytes
  std::vector<std::string> train_files, validation_files;
  std::string folder, archive;  // as the official archive has them

  int64_t record_bytes() const { return label_bytes + kImageBytes; }
  const std::vector<std::string>& files(Split split) const {
    return split == Split::kTrain ? train_files : validation_files;
  }
};

const std::array<CifarVariant, 2>& Variants() {
  static const auto* const variants = new std::array<CifarVariant, 2>{
      CifarVariant{"cifar10",
                   1,
                   10,
                   {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                    "data_batch_5.bin"},
                   {"test_batch.bin"},
                   "cifar-10-batches-bin",
                   "cifar-10-binary.tar.gz"},
      CifarVariant{
          "cifar100", 2, 100, {"train.bin"}, {"test.bin"}, "cifar-100-binary", "cifar-100-binary.tar.gz"}};
  return *variants;
}

bool IsFile(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

// The folder or archive that holds the files of a variant, if it is known before an archive is opened.
std::optional<std::filesystem::path> Locate(const CifarVariant& variant, const std::filesystem::path& path) {
  if (IsFile(path)) return path;
  for (const std::filesystem::path& folder : {path, path / variant.folder}) {
    for (const std::string& file : variant.train_files) {
      if (IsFile(folder / file)) return folder;
    }
  }
  if (IsFile(path / variant.archive)) return path / variant.archive;
  return std::nullopt;
}

absl::Status MissingFile(const std::filesystem::path& location, const std::string& file) {
  return absl::NotFoundError(absl::StrCat("'", location.string(), "' holds no file '", file, "'"));
}

absl::StatusOr<int64_t> RecordCount(const CifarVariant& variant, const std::string& name, int64_t bytes) {
  if (bytes > 0 && bytes <= kMaxDatasetFileBytes && bytes % variant.record_bytes() == 0) {
    return bytes / variant.record_bytes();
  }
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' has ", bytes, " bytes; ", variant.format,
                                                 " needs one or more whole records of ",
                                                 variant.record_bytes(), ", at most ", kMaxDatasetFileBytes));
}

// Records found, by file name.
using RecordCounts = std::map<std::string, int64_t>;

absl::StatusOr<RecordCounts> CountInFolder(const CifarVariant& variant, const std::filesystem::path& folder) {
  RecordCounts counts;
  for (Split split : {Split::kTrain, Split::kValidation}) {
    for (const std::string& name : variant.files(split)) {
      if (!IsFile(folder / name)) return MissingFile(folder, name);
      MAE_ASSIGN_OR_RETURN(const GzFile file, GzFile::Open(folder / name));
      MAE_ASSIGN_OR_RETURN(counts[name], RecordCount(variant, file.name(), file.bytes_on_disk()));
    }
  }
  return counts;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const CifarVariant* VariantWithFile(const std::string& name) {
  for (const CifarVariant& variant : Variants()) {
    if (Contains(variant.train_files, name) || Contains(variant.validation_files, name)) return &variant;
  }
  return nullptr;
}

struct ArchiveSummary {
  const CifarVariant* variant = nullptr;  // none: no CIFAR file in it
  RecordCounts counts;
};

absl::StatusOr<ArchiveSummary> CountInArchive(const std::filesystem::path& archive) {
  ArchiveSummary summary;
  const auto count_member = [&summary](TarMember& member) -> absl::Status {
    const CifarVariant* variant = VariantWithFile(member.base_name());
    if (variant == nullptr) return absl::OkStatus();
    if (summary.variant != nullptr && summary.variant != variant) {
      return absl::InvalidArgumentError(absl::StrCat("'", member.name(), "' is of ", variant->format,
                                                     ", but before it are files of ",
                                                     summary.variant->format));
    }
    if (summary.counts.contains(member.base_name())) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", member.name(), "' comes after another file of that name"));
    }
    summary.variant = variant;
    MAE_ASSIGN_OR_RETURN(summary.counts[member.base_name()],
                         RecordCount(*variant, member.name(), member.size()));
    return absl::OkStatus();
  };
  MAE_RETURN_IF_ERROR(VisitTar(archive, count_member));
  return summary;
}

absl::StatusOr<int64_t> TotalOf(const CifarVariant& variant, const RecordCounts& counts, Split split,
                                const std::filesystem::path& location) {
  int64_t total = 0;
  for (const std::string& name : variant.files(split)) {
    const auto found = counts.find(name);
    if (found == counts.end()) return MissingFile(location, name);
    total += found->second;
  }
  return total;
}

absl::StatusOr<DatasetInfo> MakeInfo(const CifarVariant& variant, const RecordCounts& counts,
                                     const std::filesystem::path& location) {
  DatasetInfo info;
  info.format = variant.format;
  MAE_ASSIGN_OR_RETURN(info.train_images, TotalOf(variant, counts, Split::kTrain, location));
  MAE_ASSIGN_OR_RETURN(info.validation_images, TotalOf(variant, counts, Split::kValidation, location));
  info.channels = kChannels;
  info.height = info.width = kSide;
  for (int64_t label = 0; label < variant.classes; ++label) info.labels.push_back(absl::StrCat(label));
  return info;
}

absl::StatusOr<std::optional<DatasetInfo>> InspectArchive(const std::filesystem::path& archive) {
  MAE_ASSIGN_OR_RETURN(const ArchiveSummary summary, CountInArchive(archive));
  if (summary.variant == nullptr) return std::nullopt;
  return MakeInfo(*summary.variant, summary.counts, archive);
}

absl::StatusOr<std::optional<DatasetInfo>> InspectFolder(const CifarVariant& variant,
                                                         const std::filesystem::path& folder) {
  MAE_ASSIGN_OR_RETURN(const RecordCounts counts, CountInFolder(variant, folder));
  return MakeInfo(variant, counts, folder);
}

ImageSet EmptySet() {
  ImageSet set;
  set.channels = kChannels;
  set.height = set.width = kSide;
  return set;
}

absl::StatusOr<int64_t> LabelOf(const CifarVariant& variant, const std::string& name, int64_t index,
                                const uint8_t* record) {
  const int64_t label = record[variant.label_bytes - 1];
  if (label < variant.classes) return label;
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' gives record ", index, " the label ", label,
                                                 "; ", variant.format, " has labels 0 to ",
                                                 variant.classes - 1));
}

// Called with each record: its index in its file, its class, and its pixels for the call alone.
using RecordVisit = absl::FunctionRef<absl::Status(int64_t index, int64_t label, const uint8_t* pixels)>;

// The first `count` records of a file.
absl::Status VisitRecords(const CifarVariant& variant, ByteSource& source, int64_t count, RecordVisit visit) {
  constexpr int64_t kRecordsAtOnce = 256;
  std::vector<uint8_t> buffer(kRecordsAtOnce * variant.record_bytes());
  for (int64_t start = 0; start < count; start += kRecordsAtOnce) {
    const int64_t records = std::min(kRecordsAtOnce, count - start);
    MAE_RETURN_IF_ERROR(
        ReadExactly(source, absl::MakeSpan(buffer).subspan(0, records * variant.record_bytes())));
    for (int64_t i = 0; i < records; ++i) {
      const uint8_t* record = buffer.data() + i * variant.record_bytes();
      MAE_ASSIGN_OR_RETURN(const int64_t label, LabelOf(variant, source.name(), start + i, record));
      MAE_RETURN_IF_ERROR(visit(start + i, label, record + variant.label_bytes));
    }
  }
  return absl::OkStatus();
}

// Memory grows with what is read, not with what a header claims.
absl::StatusOr<ImageSet> ReadRecords(const CifarVariant& variant, ByteSource& source, int64_t count) {
  ImageSet set = EmptySet();
  const auto append = [&set](int64_t, int64_t label, const uint8_t* pixels) -> absl::Status {
    set.labels.push_back(label);
    set.pixels.insert(set.pixels.end(), pixels, pixels + kImageBytes);
    ++set.count;
    return absl::OkStatus();
  };
  MAE_RETURN_IF_ERROR(VisitRecords(variant, source, count, append));
  return set;
}

int64_t AtMost(int64_t count, int64_t limit) { return limit > 0 ? std::min(count, limit) : count; }

// Images read, by file name: an archive has its files in any order.
using Parts = std::map<std::string, ImageSet>;

absl::StatusOr<Parts> ReadFolder(const CifarVariant& variant, const std::filesystem::path& folder,
                                 Split split, int64_t limit) {
  Parts parts;
  for (const std::string& name : variant.files(split)) {
    if (!IsFile(folder / name)) return MissingFile(folder, name);
    MAE_ASSIGN_OR_RETURN(GzFile file, GzFile::Open(folder / name));
    MAE_ASSIGN_OR_RETURN(const int64_t count, RecordCount(variant, file.name(), file.bytes_on_disk()));
    MAE_ASSIGN_OR_RETURN(parts[name], ReadRecords(variant, file, AtMost(count, limit)));
  }
  return parts;
}

absl::StatusOr<Parts> ReadArchive(const CifarVariant& variant, const std::filesystem::path& archive,
                                  Split split, int64_t limit) {
  Parts parts;
  const auto read_member = [&](TarMember& member) -> absl::Status {
    if (!Contains(variant.files(split), member.base_name())) return absl::OkStatus();
    MAE_ASSIGN_OR_RETURN(const int64_t count, RecordCount(variant, member.name(), member.size()));
    MAE_ASSIGN_OR_RETURN(parts[member.base_name()], ReadRecords(variant, member, AtMost(count, limit)));
    return absl::OkStatus();
  };
  MAE_RETURN_IF_ERROR(VisitTar(archive, read_member));
  return parts;
}

// In the order of the file list. Frees each part once it is copied.
absl::StatusOr<ImageSet> Join(const CifarVariant& variant, Parts parts, Split split, int64_t limit,
                              const std::filesystem::path& location) {
  ImageSet set = EmptySet();
  for (const std::string& name : variant.files(split)) {
    auto part = parts.extract(name);
    if (part.empty()) return MissingFile(location, name);
    set.count += part.mapped().count;
    set.labels.insert(set.labels.end(), part.mapped().labels.begin(), part.mapped().labels.end());
    set.pixels.insert(set.pixels.end(), part.mapped().pixels.begin(), part.mapped().pixels.end());
  }
  set.count = AtMost(set.count, limit);
  set.labels.resize(set.count);
  set.pixels.resize(set.count * kImageBytes);
  return set;
}

// The index in the split of each file's first image.
absl::StatusOr<RecordCounts> FirstImages(const CifarVariant& variant, const RecordCounts& counts, Split split,
                                         const std::filesystem::path& location) {
  RecordCounts firsts;
  int64_t next = 0;
  for (const std::string& name : variant.files(split)) {
    const auto found = counts.find(name);
    if (found == counts.end()) return MissingFile(location, name);
    firsts[name] = next;
    next += found->second;
  }
  return firsts;
}

// What is chosen of a file with so many records, the first of which is image `before` of its split.
absl::Status VisitChosen(const CifarVariant& variant, ByteSource& source, int64_t before, int64_t count,
                         const ImageChoice& choice, ImageVisit visit) {
  return VisitRecords(variant, source, std::min(count, choice.end - before),
                      [&](int64_t record, int64_t label, const uint8_t* pixels) -> absl::Status {
                        if (!choice.Has(before + record)) return absl::OkStatus();
                        return visit(before + record, label, {pixels, kChannels, kSide, kSide});
                      });
}

absl::Status VisitFolder(const CifarVariant& variant, const std::filesystem::path& folder, Split split,
                         const ImageChoice& choice, ImageVisit visit) {
  MAE_ASSIGN_OR_RETURN(const RecordCounts counts, CountInFolder(variant, folder));
  MAE_ASSIGN_OR_RETURN(const RecordCounts firsts, FirstImages(variant, counts, split, folder));
  for (const std::string& name : variant.files(split)) {
    MAE_ASSIGN_OR_RETURN(GzFile file, GzFile::Open(folder / name));
    MAE_RETURN_IF_ERROR(VisitChosen(variant, file, firsts.at(name), counts.at(name), choice, visit));
  }
  return absl::OkStatus();
}

absl::Status VisitArchive(const CifarVariant& variant, const std::filesystem::path& archive, Split split,
                          const ImageChoice& choice, ImageVisit visit) {
  MAE_ASSIGN_OR_RETURN(const ArchiveSummary summary, CountInArchive(archive));
  MAE_ASSIGN_OR_RETURN(const RecordCounts firsts, FirstImages(variant, summary.counts, split, archive));
  return VisitTar(archive, [&](TarMember& member) -> absl::Status {
    const auto first = firsts.find(member.base_name());
    if (first == firsts.end()) return absl::OkStatus();
    return VisitChosen(variant, member, first->second, summary.counts.at(member.base_name()), choice, visit);
  });
}

absl::Status NothingFound(const CifarVariant& variant, const std::filesystem::path& path) {
  return absl::NotFoundError(absl::StrCat("'", path.string(), "' holds no ", variant.format, ": expected ",
                                          absl::StrJoin(variant.train_files, ", "), " and ",
                                          absl::StrJoin(variant.validation_files, ", "), ", or ",
                                          variant.archive));
}

absl::StatusOr<const CifarVariant*> VariantOf(const std::string& format) {
  for (const CifarVariant& variant : Variants()) {
    if (variant.format == format) return &variant;
  }
  return absl::InvalidArgumentError(absl::StrCat("format '", format, "' is neither cifar10 nor cifar100"));
}

}  // namespace

absl::StatusOr<std::optional<DatasetInfo>> InspectCifar(const std::filesystem::path& path) {
  for (const CifarVariant& variant : Variants()) {
    const std::optional<std::filesystem::path> location = Locate(variant, path);
    if (!location) continue;
    return IsFile(*location) ? InspectArchive(*location) : InspectFolder(variant, *location);
  }
  return std::nullopt;
}

absl::StatusOr<ImageSet> LoadCifar(const std::string& format, const std::filesystem::path& path, Split split,
                                   int64_t limit) {
  MAE_ASSIGN_OR_RETURN(const CifarVariant* variant, VariantOf(format));
  const std::optional<std::filesystem::path> location = Locate(*variant, path);
  if (!location) return NothingFound(*variant, path);
  MAE_ASSIGN_OR_RETURN(Parts parts, IsFile(*location) ? ReadArchive(*variant, *location, split, limit)
                                                      : ReadFolder(*variant, *location, split, limit));
  return Join(*variant, std::move(parts), split, limit, *location);
}

absl::Status VisitCifar(const std::string& format, const std::filesystem::path& path, Split split,
                        const ImageChoice& choice, ImageVisit visit) {
  MAE_ASSIGN_OR_RETURN(const CifarVariant* variant, VariantOf(format));
  const std::optional<std::filesystem::path> location = Locate(*variant, path);
  if (!location) return NothingFound(*variant, path);
  return IsFile(*location) ? VisitArchive(*variant, *location, split, choice, visit)
                           : VisitFolder(*variant, *location, split, choice, visit);
}

}  // namespace mae
