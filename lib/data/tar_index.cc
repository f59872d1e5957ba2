#include "data/tar_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <string_view>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file_range.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr int64_t kBlock = 512;
constexpr int64_t kMaxExtensionBytes = int64_t{1} << 20;

using TarBlock = std::array<char, kBlock>;

std::string_view TextField(const TarBlock& block, size_t offset, size_t length) {
  const std::string_view field(block.data() + offset, length);
  return field.substr(0, field.find('\0'));
}

// Octal digits, or big-endian binary with the top bit set.
std::optional<int64_t> NumberField(const TarBlock& block, size_t offset, size_t length) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(block.data() + offset);
  int64_t value = 0;
  if ((bytes[0] & 0x80) != 0) {
    for (size_t i = 1; i < length; ++i) {
      if (value >= int64_t{1} << 54) return std::nullopt;
      value = value << 8 | bytes[i];
    }
    return value;
  }
  bool any = false;
  for (size_t i = 0; i < length; ++i) {
    if (bytes[i] == ' ' || bytes[i] == 0) {
      if (any) break;
      continue;
    }
    if (bytes[i] < '0' || bytes[i] > '7') return std::nullopt;
    value = value << 3 | (bytes[i] - '0');
    any = true;
  }
  return value;
}

bool ChecksumHolds(const TarBlock& block) {
  constexpr size_t kAt = 148, kLength = 8;
  int64_t sum = 0;
  for (size_t i = 0; i < block.size(); ++i)
    sum += i >= kAt && i < kAt + kLength ? ' ' : static_cast<uint8_t>(block[i]);
  return NumberField(block, kAt, kLength) == sum;
}

std::string PathOf(const TarBlock& block) {
  const std::string name(TextField(block, 0, 100));
  const bool is_ustar = std::string_view(block.data() + 257, 6) == std::string_view("ustar\0", 6);
  const std::string_view prefix = is_ustar ? TextField(block, 345, 155) : std::string_view();
  return prefix.empty() ? name : absl::StrCat(std::string(prefix), "/", name);
}

// What extension headers say of the next member.
struct Override {
  std::optional<std::string> path;
  std::optional<int64_t> size;
};

// pax records: "LENGTH key=value\n". False if they make no sense.
bool ReadPax(std::string_view records, Override& override) {
  while (!records.empty() && records[0] != '\0') {
    const size_t space = records.find(' ');
    size_t length = 0;
    if (space == std::string_view::npos ||
        !absl::SimpleAtoi(std::string(records.substr(0, space)), &length) || length <= space + 1 ||
        length > records.size()) {
      return false;
    }
    const std::string_view record = records.substr(space + 1, length - space - 2);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string key(record.substr(0, equals)), value(record.substr(equals + 1));
    int64_t size = 0;
    if (key == "path") override.path = value;
    if (key == "size") {
      if (!absl::SimpleAtoi(value, &size) || size < 0) return false;
      override.size = size;
    }
    records.remove_prefix(length);
  }
  return true;
}

class TarWalk {
 public:
  TarWalk(int fd, const std::filesystem::path& path, int64_t size) : fd_(fd), path_(path), size_(size) {}

  absl::StatusOr<std::vector<TarPlace>> Walk() {
    TarBlock block;
    while (at_ + kBlock <= size_) {
      MAE_RETURN_IF_ERROR(ReadWhole(at_, block.data(), kBlock));
      if (block == TarBlock{}) return std::move(places_);  // the end, as tar marks it
      if (!ChecksumHolds(block)) return Damaged(NotATar(block));
      MAE_RETURN_IF_ERROR(Member(block));
    }
    if (at_ == size_) return std::move(places_);
    return Damaged("is cut off");
  }

 private:
  absl::Status Damaged(const std::string& what) const {
    return absl::InvalidArgumentError(absl::StrCat("'", path_.string(), "', byte ", at_, ": ", what));
  }

  std::string NotATar(const TarBlock& block) const {
    if (at_ == 0 && block[0] == '\x1f' && block[1] == '\x8b')
      return "is compressed; shards are read in any order, so unpack them with gunzip";
    return "is not the header of a tar";
  }

  absl::Status Member(const TarBlock& block) {
    const char type = block[156];
    const auto own_size = NumberField(block, 124, 12);
    const bool is_extension = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    const std::optional<int64_t> size = !is_extension && override_.size ? override_.size : own_size;
    const int64_t data = at_ + kBlock;
    if (!size || *size > size_ - data) return Damaged("claims more bytes than the archive has");
    if (is_extension) {
      MAE_RETURN_IF_ERROR(Extension(type, data, *size));
    } else {
      if (type == '0' || type == '\0')
        places_.push_back({override_.path.value_or(PathOf(block)), data, *size});
      override_ = {};
    }
    at_ = data + (*size + kBlock - 1) / kBlock * kBlock;
    return absl::OkStatus();
  }

  absl::Status Extension(char type, int64_t data, int64_t size) {
    if (type == 'g' || type == 'K') return absl::OkStatus();
    if (size > kMaxExtensionBytes) return Damaged("has an extension header of more than a megabyte");
    std::string text(static_cast<size_t>(size), '\0');
    MAE_RETURN_IF_ERROR(ReadWhole(data, text.data(), size));
    if (type == 'L') {
      override_.path = text.substr(0, text.find('\0'));
      return absl::OkStatus();
    }
    return ReadPax(text, override_) ? absl::OkStatus() : Damaged("has a pax header that makes no sense");
  }

  absl::Status ReadWhole(int64_t offset, char* out, int64_t length) const {
    MAE_ASSIGN_OR_RETURN(const int64_t got, ReadAt(fd_, offset, out, length, path_));
    return got == length ? absl::OkStatus() : Damaged("is cut off");
  }

  const int fd_;
  const std::filesystem::path& path_;
  const int64_t size_;
  int64_t at_ = 0;
  Override override_;
  std::vector<TarPlace> places_;
};

}  // namespace

absl::StatusOr<std::vector<TarPlace>> IndexTar(const std::filesystem::path& archive) {
  const int fd = open(archive.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError("open", archive, errno);
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  struct stat info {};
  if (fstat(fd, &info) != 0) return SystemError("look at", archive, errno);
  return TarWalk(fd, archive, info.st_size).Walk();
}

}  // namespace mae
