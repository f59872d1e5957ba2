#include "client/upload_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file_digest.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "data/dataset_path.h"
#include "data/tar_archive.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr TarOptions kWholeTar = {.max_bytes = std::numeric_limits<int64_t>::max(), .refuse_others = true};

absl::Status CannotRead(const fs::path& path, const std::error_code& error) {
  if (error == std::errc::too_many_symbolic_link_levels)
    return absl::InvalidArgumentError(absl::StrCat(path.string().substr(0, 256), ": a loop of links"));
  return SystemError("read", path, error.value());
}

absl::Status Changed(const fs::path& path) {
  return absl::AbortedError(absl::StrCat(path.string(), " changed while it was sent: send it again"));
}

class PlainFile : public ByteSource {
 public:
  explicit PlainFile(const fs::path& path) : name_(path.string()), in_(path, std::ios::binary) {}
  const std::string& name() const override { return name_; }
  absl::StatusOr<int64_t> Read(absl::Span<uint8_t> out) override {
    in_.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
    if (in_ || in_.eof()) return in_.gcount();
    return absl::PermissionDeniedError(absl::StrCat(name_, ": can't be read"));
  }

 private:
  const std::string name_;
  std::ifstream in_;
};

bool IsHidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

int64_t TimeOf(const fs::path& path, std::error_code& error) {
  return fs::last_write_time(path, error).time_since_epoch().count();
}

absl::Status Add(UploadFile file, UploadSource& source, DigestStream& digest) {
  MAE_RETURN_IF_ERROR(CheckDatasetPath(file.path));
  digest.Append(absl::StrCat(file.path, "\t", file.bytes, "\t", file.changed, "\n"));
  source.bytes += file.bytes;
  source.files.push_back(std::move(file));
  return absl::OkStatus();
}

// Sizes and times are filled in later.
absl::StatusOr<std::vector<UploadFile>> PathsBelow(const fs::path& folder) {
  std::vector<UploadFile> files;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::follow_directory_symlink, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    if (IsHidden(it->path())) {
      it.disable_recursion_pending();
      continue;
    }
    const auto status = fs::status(it->path(), error);
    if (status.type() == fs::file_type::not_found)
      return absl::InvalidArgumentError(absl::StrCat(it->path().string(), ": a broken link"));
    if (error) return CannotRead(it->path(), error);
    if (fs::is_regular_file(status))
      files.push_back({it->path().lexically_relative(folder).generic_string()});
  }
  if (error) return CannotRead(folder, error);
  std::sort(files.begin(), files.end(),
            [](const UploadFile& a, const UploadFile& b) { return a.path < b.path; });
  return files;
}

absl::Status Look(const fs::path& path, UploadFile& file) {
  std::error_code error;
  file.bytes = static_cast<int64_t>(fs::file_size(path, error));
  if (!error) file.changed = TimeOf(path, error);
  if (!error && ::access(path.c_str(), R_OK) != 0) error = std::error_code(errno, std::generic_category());
  return error ? CannotRead(path, error) : absl::OkStatus();
}

absl::Status ListFolder(UploadSource& source, DigestStream& digest) {
  MAE_ASSIGN_OR_RETURN(auto files, PathsBelow(source.path));
  for (UploadFile& file : files) {
    MAE_RETURN_IF_ERROR(Look(source.path / file.path, file));
    MAE_RETURN_IF_ERROR(Add(std::move(file), source, digest));
  }
  return absl::OkStatus();
}

// The path of a member below the archive; empty: hidden. What leads out of it is an error.
absl::StatusOr<std::string> PathOfMember(const TarMember& member) {
  std::vector<absl::string_view> parts;
  bool leads_out = member.path().starts_with('/');
  for (const absl::string_view part : absl::StrSplit(member.path(), '/')) {
    if (part == "..") leads_out = true;
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  if (leads_out) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::CHexEscape(member.name()), ": leads out of the archive; pack it with relative paths"));
  }
  const bool is_hidden = std::any_of(parts.begin(), parts.end(), [](auto part) { return part[0] == '.'; });
  return is_hidden ? std::string() : absl::StrJoin(parts, "/");
}

// Calls with each member that is sent.
absl::Status VisitMembers(const fs::path& archive,
                          absl::FunctionRef<absl::Status(const std::string&, TarMember&)> visit) {
  return VisitTar(
      archive,
      [&](TarMember& member) -> absl::Status {
        MAE_ASSIGN_OR_RETURN(const std::string path, PathOfMember(member));
        return path.empty() ? absl::OkStatus() : visit(path, member);
      },
      kWholeTar);
}

absl::Status ListTar(UploadSource& source, DigestStream& digest) {
  std::error_code error;
  const int64_t time = TimeOf(source.path, error);
  if (error) return CannotRead(source.path, error);
  return VisitMembers(source.path, [&](const std::string& path, TarMember& member) -> absl::Status {
    if (path.ends_with(".cls")) {
      return absl::InvalidArgumentError(absl::StrCat(source.path.string(),
                                                     " is itself a shard of a dataset (it holds ", path,
                                                     "): send the folder that the shards are in"));
    }
    return Add({path, member.size(), time}, source, digest);
  });
}

}  // namespace

absl::StatusOr<UploadSource> ListUpload(const fs::path& path) {
  UploadSource source;
  source.path = path;
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status))
    return absl::NotFoundError(absl::StrCat(path.string(), ": there is no such file or folder"));
  source.is_tar = !fs::is_directory(status);
  DigestStream digest;
  MAE_RETURN_IF_ERROR(source.is_tar ? ListTar(source, digest) : ListFolder(source, digest));
  if (source.files.empty()) return absl::InvalidArgumentError(absl::StrCat(path.string(), " holds no files"));
  source.id = digest.Finish().sha256;
  return source;
}

absl::Status VisitUpload(const UploadSource& source, int64_t first,
                         absl::FunctionRef<absl::Status(const UploadFile&, ByteSource&)> visit) {
  if (!source.is_tar) {
    for (auto i = static_cast<size_t>(first); i < source.files.size(); ++i) {
      const fs::path path = source.path / source.files[i].path;
      PlainFile file(path);
      MAE_RETURN_IF_ERROR(visit(source.files[i], file));
      std::error_code error;
      if (TimeOf(path, error) != source.files[i].changed || error) return Changed(path);
    }
    return absl::OkStatus();
  }
  size_t next = 0;
  return VisitMembers(source.path, [&](const std::string& path, TarMember& member) -> absl::Status {
    const size_t index = next++;
    if (index < static_cast<size_t>(first)) return absl::OkStatus();
    if (index >= source.files.size() || source.files[index].path != path) return Changed(source.path);
    return visit(source.files[index], member);
  });
}

}  // namespace mae
