#include "tests/data/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <stdexcept>

#include "tests/data/file_bytes.h"

namespace mae {
namespace {

la_ssize_t Append(archive*, void* bytes, const void* data, size_t size) {
  static_cast<std::string*>(bytes)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

void Check(archive* writer, int result) {
  if (result != ARCHIVE_OK) throw std::runtime_error(archive_error_string(writer));
}

void AddEntry(archive* writer, const TarEntry& entry) {
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> header(archive_entry_new(),
                                                                        &archive_entry_free);
  archive_entry_set_pathname(header.get(), entry.path.c_str());
  archive_entry_set_perm(header.get(), 0644);
  archive_entry_set_filetype(header.get(), entry.symlink_to.empty() ? AE_IFREG : AE_IFLNK);
  if (!entry.symlink_to.empty()) archive_entry_set_symlink(header.get(), entry.symlink_to.c_str());
  archive_entry_set_size(header.get(), static_cast<int64_t>(entry.content.size()));
  Check(writer, archive_write_header(writer, header.get()));
  archive_write_data(writer, entry.content.data(), entry.content.size());
}

}  // namespace

std::string TarBytes(const std::vector<TarEntry>& entries) {
  std::string bytes;
  const std::unique_ptr<archive, int (*)(archive*)> writer(archive_write_new(), &archive_write_free);
  Check(writer.get(), archive_write_set_format_pax_restricted(writer.get()));
  Check(writer.get(), archive_write_open(writer.get(), &bytes, nullptr, &Append, nullptr));
  for (const TarEntry& entry : entries) AddEntry(writer.get(), entry);
  Check(writer.get(), archive_write_close(writer.get()));
  return bytes;
}

std::vector<TarEntry> TarEntries(const std::filesystem::path& folder, const std::vector<std::string>& names,
                                 const std::string& prefix) {
  std::vector<TarEntry> entries;
  for (const std::string& name : names) entries.push_back({prefix + name, FileBytes(folder / name), ""});
  return entries;
}

}  // namespace mae
