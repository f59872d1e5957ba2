#include "data/tar_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
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
    const la_ssize_t count = archive_read_data(reader_, out.data(), out.size());
    if (count < 0) return ArchiveError(reader_, input_);
    return static_cast<int64_t>(count);
  }

 private:
  archive* reader_;
  const ArchiveInput& input_;
  std::string path_, base_name_, name_;
  int64_t size_;
};

bool IsPlainFile(archive_entry* entry) {
  return archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr &&
         archive_entry_sparse_count(entry) == 0 && archive_entry_pathname(entry) != nullptr;
}

absl::Status VisitEntry(archive* reader, const ArchiveInput& input, archive_entry* entry, bool refuse_others,
                        absl::FunctionRef<absl::Status(TarMember&)> visit) {
  const int64_t size = archive_entry_size(entry);
  if (size > input.max_bytes()) {
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
