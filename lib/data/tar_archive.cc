#include "data/tar_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/gz_file.h"

namespace mae {
namespace {

// Feeds libarchive with gunzipped bytes. zlib does the unpacking because libarchive's own gzip filter checks
// no CRC.
class ArchiveInput {
 public:
  ArchiveInput(GzFile file, int64_t max_bytes)
      : file_(std::move(file)), max_bytes_(max_bytes), buffer_(size_t{256} << 10) {}

  static la_ssize_t Read(archive* reader, void* self, const void** data) {
    return static_cast<ArchiveInput*>(self)->ReadBlock(reader, data);
  }

  // What went wrong below libarchive, if anything did.
  const absl::Status& status() const { return status_; }
  const std::string& name() const { return file_.name(); }
  int64_t max_bytes() const { return max_bytes_; }

  // Reads what follows the last member (a tar is padded), so that the gzip trailer is checked too.
  absl::Status Drain() {
    const void* data = nullptr;
    while (ReadBlock(nullptr, &data) > 0) {
    }
    return status_;
  }

 private:
  la_ssize_t ReadBlock(archive* reader, const void** data) {
    absl::StatusOr<int64_t> count = file_.Read(absl::MakeSpan(buffer_));
    if (!count.ok()) return Fail(reader, std::move(count).status());
    total_ += *count;
    if (total_ > max_bytes_) {
      return Fail(reader,
                  absl::InvalidArgumentError(absl::StrCat("'", file_.name(), "' unpacks to more than ",
                                                          max_bytes_, " bytes, the limit")));
    }
    *data = buffer_.data();
    return static_cast<la_ssize_t>(*count);
  }

  la_ssize_t Fail(archive* reader, absl::Status status) {
    if (reader != nullptr) archive_set_error(reader, EIO, "%s", std::string(status.message()).c_str());
    status_ = std::move(status);
    return -1;
  }

  GzFile file_;
  const int64_t max_bytes_;
  std::vector<uint8_t> buffer_;
  int64_t total_ = 0;
  absl::Status status_;
};

absl::Status ArchiveError(archive* reader, const ArchiveInput& input) {
  if (!input.status().ok()) return input.status();
  const char* text = archive_error_string(reader);
  return absl::InvalidArgumentError(
      absl::StrCat("'", input.name(),
                   "' is not a whole tar archive, plain or gzipped: ", text == nullptr ? "damaged" : text));
}

class LibarchiveMember : public TarMember {
 public:
  LibarchiveMember(archive* reader, const ArchiveInput& input, const char* path, int64_t size)
      : reader_(reader),
        input_(input),
        path_(path),
        base_name_(std::filesystem::path(path).filename().string()),
        name_(absl::StrCat(input.name(), ":", path)),
        size_(size) {}

  const std::string& name() const override { return name_; }
  const std::string& base_name() const override { return base_name_; }
  const std::string& path() const override { return path_; }
  int64_t size() const override { return size_; }

  absl::StatusOr<int64_t> Read(absl::Span<uint8_t> out) override {
    size_t done = 0;
    while (done < out.size()) {
      if (block_.empty()) {
        MAE_ASSIGN_OR_RETURN(block_, NextBlock());
        if (block_.empty()) break;
      }
      const size_t count = std::min(block_.size(), out.size() - done);
      std::memcpy(out.data() + done, block_.data(), count);
      block_.remove_prefix(count);
      done += count;
    }
    return static_cast<int64_t>(done);
  }

 private:
  // Empty at the member's end. Blocks follow each other without gaps: archive_read_data would fill a gap with
  // as many zeros as a sparse map asks for, also beyond the size, and not every such map shows in the header.
  absl::StatusOr<absl::Span<const uint8_t>> NextBlock() {
    const void* data = nullptr;
    size_t bytes = 0;
    la_int64_t offset = 0;
    int result = ARCHIVE_OK;
    while (result == ARCHIVE_OK && bytes == 0)
      result = archive_read_data_block(reader_, &data, &bytes, &offset);
    if (result == ARCHIVE_EOF) return absl::Span<const uint8_t>();
    if (result != ARCHIVE_OK) return ArchiveError(reader_, input_);
    if (offset != read_ || static_cast<int64_t>(bytes) > size_ - read_) {
      return absl::InvalidArgumentError(absl::StrCat("'", name_, "' has gaps or more than its ", size_,
                                                     " bytes: sparse files are not taken"));
    }
    read_ += static_cast<int64_t>(bytes);
    return absl::MakeConstSpan(static_cast<const uint8_t*>(data), bytes);
  }

  archive* reader_;
  const ArchiveInput& input_;
  std::string path_, base_name_, name_;
  int64_t size_, read_ = 0;
  absl::Span<const uint8_t> block_;  ///< of libarchive's, until the next one
};

bool IsPlainFile(archive_entry* entry) {
  return archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr &&
         archive_entry_sparse_count(entry) == 0 && archive_entry_pathname(entry) != nullptr;
}

absl::Status VisitEntry(archive* reader, const ArchiveInput& input, archive_entry* entry, bool refuse_others,
                        absl::FunctionRef<absl::Status(TarMember&)> visit) {
  const int64_t size = archive_entry_size(entry);
  if (size < 0 || size > input.max_bytes()) {
    return absl::InvalidArgumentError(absl::StrCat("'", input.name(), "' claims a member of ", size,
                                                   " bytes; the limit is ", input.max_bytes()));
  }
  if (!IsPlainFile(entry)) {
    if (!refuse_others || archive_entry_filetype(entry) == AE_IFDIR) return absl::OkStatus();
    const char* path = archive_entry_pathname(entry);
    return absl::InvalidArgumentError(absl::StrCat("'", input.name(),
                                                   "': ", path == nullptr ? "a member" : path,
                                                   " is a link, a device or a sparse file; only plain files "
                                                   "are taken (tar --hard-dereference packs hard links so)"));
  }
  LibarchiveMember member(reader, input, archive_entry_pathname(entry), size);
  return visit(member);
}

}  // namespace

absl::Status VisitTar(const std::filesystem::path& archive_path,
                      absl::FunctionRef<absl::Status(TarMember&)> visit, const TarOptions& options) {
  MAE_ASSIGN_OR_RETURN(GzFile file, GzFile::Open(archive_path));
  ArchiveInput input(std::move(file), options.max_bytes);
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), &archive_read_free);
  archive_read_support_format_tar(reader.get());
  if (archive_read_open(reader.get(), &input, nullptr, &ArchiveInput::Read, nullptr) != ARCHIVE_OK) {
    return ArchiveError(reader.get(), input);
  }
  archive_entry* entry = nullptr;
  int result = ARCHIVE_OK;
  while ((result = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK || result == ARCHIVE_WARN) {
    MAE_RETURN_IF_ERROR(VisitEntry(reader.get(), input, entry, options.refuse_others, visit));
  }
  if (result != ARCHIVE_EOF) return ArchiveError(reader.get(), input);
  return input.Drain();
}

}  // namespace mae
