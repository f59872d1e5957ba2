#include "interop/zip_file.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr int64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56;
constexpr int64_t kDirectoryEntryBytes = 46, kLocalHeaderBytes = 30;
constexpr int64_t kMaxComment = 0xFFFF;
constexpr int64_t kMaxDirectoryBytes = 64 << 20;
constexpr int64_t kMaxEntries = 100'000;
constexpr uint64_t kIn64 = 0xFFFFFFFF;  // the value is in the zip64 field instead

absl::Status NoZip(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("no zip archive of torch.save: ", what));
}

template <typename T>
T LittleAt(std::string_view bytes, int64_t place) {
  T value;
  std::memcpy(&value, bytes.data() + place, sizeof(T));
  return value;
}

// One entry of the directory as it is written.
struct DirectoryEntry {
  std::string name;
  uint64_t stored = 0, bytes = 0, header = 0;
  uint32_t crc32 = 0;
  uint16_t flags = 0, method = 0;
};

// Takes from the zip64 field those values that did not fit 32 bits, in the order that the format has them.
absl::Status ReadZip64(std::string_view extra, DirectoryEntry& entry) {
  while (extra.size() >= 4) {
    const auto id = LittleAt<uint16_t>(extra, 0);
    const size_t size = LittleAt<uint16_t>(extra, 2);
    if (size > extra.size() - 4) break;
    auto field = extra.substr(4, size);
    extra.remove_prefix(4 + size);
    if (id != 1) continue;
    for (uint64_t* value : {&entry.bytes, &entry.stored, &entry.header}) {
      if (*value != kIn64) continue;
      if (field.size() < 8) return NoZip(absl::StrCat("entry ", entry.name, ": its zip64 field is cut off"));
      *value = LittleAt<uint64_t>(field, 0);
      field.remove_prefix(8);
    }
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

// Cuts the first entry off `rest`.
absl::StatusOr<DirectoryEntry> NextEntry(std::string_view& rest) {
  if (static_cast<int64_t>(rest.size()) < kDirectoryEntryBytes || rest.substr(0, 4) != "PK\1\2") {
    return NoZip("its directory is cut off");
  }
  DirectoryEntry entry;
  entry.flags = LittleAt<uint16_t>(rest, 8);
  entry.method = LittleAt<uint16_t>(rest, 10);
  entry.crc32 = LittleAt<uint32_t>(rest, 16);
  entry.stored = LittleAt<uint32_t>(rest, 20);
  entry.bytes = LittleAt<uint32_t>(rest, 24);
  entry.header = LittleAt<uint32_t>(rest, 42);
  const size_t name = LittleAt<uint16_t>(rest, 28), extra = LittleAt<uint16_t>(rest, 30);
  const size_t comment = LittleAt<uint16_t>(rest, 32);
  rest.remove_prefix(kDirectoryEntryBytes);
  if (name + extra + comment > rest.size()) return NoZip("its directory is cut off");
  entry.name = absl::CEscape(std::string(rest.substr(0, name)));
  MAE_RETURN_IF_ERROR(ReadZip64(rest.substr(name, extra), entry));
  rest.remove_prefix(name + extra + comment);
  return entry;
}

absl::Status CheckStored(const DirectoryEntry& entry) {
  if ((entry.flags & 1) != 0) return NoZip(absl::StrCat("entry ", entry.name, " is encrypted"));
  if (entry.method != 0 || entry.stored != entry.bytes) {
    return NoZip(absl::StrCat("entry ", entry.name, " is compressed"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ZipFile> ZipFile::Open(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat("no file ", path.string()));
  }
  ZipFile zip;
  zip.bytes_ = static_cast<int64_t>(std::filesystem::file_size(path, error));
  if (error) return SystemError("examine", path, error.value());
  zip.file_.open(path, std::ios::binary);
  if (!zip.file_) return SystemError("open", path, errno);
  if (const auto read = zip.ReadDirectory(); !read.ok()) {
    return absl::Status(read.code(), absl::StrCat(path.filename().string(), ": ", read.message()));
  }
  return zip;
}

absl::Status ZipFile::ReadAt(int64_t offset, char* to, int64_t count) {
  file_.clear();
  file_.seekg(offset);
  if (count == 0 || file_.read(to, count)) return absl::OkStatus();
  return absl::DataLossError("the file ended early while it was read");
}

absl::Status ZipFile::Read(const ZipEntry& entry, char* to) {
  MAE_RETURN_IF_ERROR(ReadAt(entry.begin, to, entry.bytes));
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(to), static_cast<size_t>(entry.bytes));
  if (sum == entry.crc32) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("a record's checksum is ", absl::Hex(sum), ", its directory says ",
                                          absl::Hex(entry.crc32), ": the file is damaged; copy it again"));
}

absl::Status ZipFile::ReadDirectory() {
  int64_t begin = 0, count = 0;
  MAE_ASSIGN_OR_RETURN(const std::string directory, FindDirectory(begin, count));
  MAE_RETURN_IF_ERROR(AddEntries(directory, begin, count));
  return CheckOverlaps();
}

absl::StatusOr<std::string> ZipFile::FindDirectory(int64_t& begin, int64_t& count) {
  std::string tail(static_cast<size_t>(std::min(bytes_, kEndBytes + kMaxComment + kLocatorBytes)), '\0');
  MAE_RETURN_IF_ERROR(
      ReadAt(bytes_ - static_cast<int64_t>(tail.size()), tail.data(), static_cast<int64_t>(tail.size())));
  const auto end = tail.rfind("PK\5\6");
  if (end == std::string::npos || tail.size() - end < static_cast<size_t>(kEndBytes)) {
    return NoZip("it has no directory: cut off, or of PyTorch before 1.6; save it again with torch.save");
  }
  const std::string_view record = std::string_view(tail).substr(end);
  uint64_t entries = LittleAt<uint16_t>(record, 10), size = LittleAt<uint32_t>(record, 12),
           offset = LittleAt<uint32_t>(record, 16);
  const auto locator = static_cast<int64_t>(end) - kLocatorBytes;
  if (locator >= 0 && tail.compare(static_cast<size_t>(locator), 4, "PK\6\7") == 0) {
    const auto place = LittleAt<uint64_t>(tail, locator + 8);
    if (bytes_ < kEnd64Bytes || place > static_cast<uint64_t>(bytes_ - kEnd64Bytes)) {
      return NoZip("its zip64 directory is beyond the file");
    }
    std::string end64(kEnd64Bytes, '\0');
    MAE_RETURN_IF_ERROR(ReadAt(static_cast<int64_t>(place), end64.data(), kEnd64Bytes));
    if (end64.compare(0, 4, "PK\6\6") != 0) return NoZip("its zip64 directory is not where it says");
    entries = LittleAt<uint64_t>(end64, 32), size = LittleAt<uint64_t>(end64, 40);
    offset = LittleAt<uint64_t>(end64, 48);
  }
  if (size > static_cast<uint64_t>(bytes_) || offset > static_cast<uint64_t>(bytes_) - size) {
    return NoZip(absl::StrCat("its directory of ", size, " bytes at ", offset, " is beyond the file"));
  }
  if (size > static_cast<uint64_t>(kMaxDirectoryBytes) || entries > static_cast<uint64_t>(kMaxEntries)) {
    return NoZip(absl::StrCat("a directory of ", entries, " entries and ", size, " bytes; at most ",
                              kMaxEntries, " and ", kMaxDirectoryBytes, " are read"));
  }
  begin = static_cast<int64_t>(offset), count = static_cast<int64_t>(entries);
  std::string directory(size, '\0');
  MAE_RETURN_IF_ERROR(ReadAt(begin, directory.data(), static_cast<int64_t>(size)));
  return directory;
}

absl::Status ZipFile::AddEntries(const std::string& directory, int64_t begin, int64_t count) {
  std::string_view rest = directory;
  for (int64_t i = 0; i < count; ++i) {
    MAE_ASSIGN_OR_RETURN(const DirectoryEntry entry, NextEntry(rest));
    MAE_RETURN_IF_ERROR(CheckStored(entry));
    if (begin < kLocalHeaderBytes || entry.header > static_cast<uint64_t>(begin - kLocalHeaderBytes)) {
      return NoZip(absl::StrCat("entry ", entry.name, " begins beyond the file"));
    }
    MAE_ASSIGN_OR_RETURN(const int64_t data, DataBegin(static_cast<int64_t>(entry.header), begin));
    if (entry.bytes > static_cast<uint64_t>(begin - data)) {
      return NoZip(absl::StrCat("entry ", entry.name, " of ", entry.bytes, " bytes ends beyond the file"));
    }
    const ZipEntry added{data, static_cast<int64_t>(entry.bytes), entry.crc32};
    if (!entries_.emplace(entry.name, added).second) {
      return NoZip(absl::StrCat("entry ", entry.name, " is there twice"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ZipFile::DataBegin(int64_t header, int64_t limit) {
  char local[kLocalHeaderBytes];
  MAE_RETURN_IF_ERROR(ReadAt(header, local, kLocalHeaderBytes));
  const std::string_view bytes(local, kLocalHeaderBytes);
  if (bytes.substr(0, 4) != "PK\3\4") return NoZip("an entry is not where the directory says");
  const int64_t begin =
      header + kLocalHeaderBytes + LittleAt<uint16_t>(bytes, 26) + LittleAt<uint16_t>(bytes, 28);
  if (begin > limit) return NoZip("an entry begins beyond the file");
  return begin;
}

absl::Status ZipFile::CheckOverlaps() const {
  std::vector<std::pair<ZipEntry, std::string>> ordered;
  for (const auto& [name, entry] : entries_) {
    if (entry.bytes > 0) ordered.emplace_back(entry, name);
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.first.begin < b.first.begin; });
  for (size_t i = 1; i < ordered.size(); ++i) {
    const auto& before = ordered[i - 1].first;
    if (before.begin + before.bytes <= ordered[i].first.begin) continue;
    return NoZip(absl::StrCat("entries ", ordered[i - 1].second, " and ", ordered[i].second, " overlap"));
  }
  return absl::OkStatus();
}

}  // namespace mae
