#include "client/upload_source.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file_digest.h"
#include "base/status_macros.h"
#include "data/tar_archive.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr TarOptions kWholeTar = {.max_bytes = std::numeric_limits<int64_t>::max(), .refuse_others = true};

absl::Status CannotRead(const fs::path& path, const std::error_code& error) {
  return absl::Status(error == std::errc::no_such_file_or_directory ? absl::StatusCode::kNotFound
                                                                    : absl::StatusCode::kPermissionDenied,
                      absl::StrCat(path.string(), ": ", error.message()));
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

void Note(const UploadFile& file, int64_t time, DigestStream& digest) {
  digest.Append(absl::StrCat(file.path, "\t", file.bytes, "\t", time, "\n"));
}

struct TimedFile {
  UploadFile file;
  int64_t time = 0;
};

absl::StatusOr<std::vector<TimedFile>> FilesBelow(const fs::path& folder) {
  std::vector<TimedFile> files;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::follow_directory_symlink, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    const fs::path path = it->path();
    if (IsHidden(path)) {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(error) || error) {
      if (error) return CannotRead(path, error);
      continue;
    }
    const auto bytes = static_cast<int64_t>(fs::file_size(path, error));
    if (error) return CannotRead(path, error);
    files.push_back({{path.lexically_relative(folder).generic_string(), bytes}, TimeOf(path, error)});
    if (error) return CannotRead(path, error);
  }
  if (error) return CannotRead(folder, error);
  std::sort(files.begin(), files.end(),
            [](const TimedFile& a, const TimedFile& b) { return a.file.path < b.file.path; });
  return files;
}

absl::Status ListFolder(UploadSource& source, DigestStream& digest) {
  MAE_ASSIGN_OR_RETURN(auto files, FilesBelow(source.path));
  for (TimedFile& timed : files) {
    Note(timed.file, timed.time, digest);
    source.bytes += timed.file.bytes;
    source.files.push_back(std::move(timed.file));
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
  return VisitMembers(source.path, [&](const std::string& path, TarMember& member) {
    source.files.push_back({path, member.size()});
    source.bytes += member.size();
    Note(source.files.back(), time, digest);
    return absl::OkStatus();
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
      PlainFile file(source.path / source.files[i].path);
      MAE_RETURN_IF_ERROR(visit(source.files[i], file));
    }
    return absl::OkStatus();
  }
  size_t next = 0;
  return VisitMembers(source.path, [&](const std::string& path, TarMember& member) -> absl::Status {
    const size_t index = next++;
    if (index < static_cast<size_t>(first)) return absl::OkStatus();
    if (index >= source.files.size() || source.files[index].path != path)
      return absl::AbortedError(absl::StrCat(source.path.string(), " changed while it was sent"));
    return visit(source.files[index], member);
  });
}

}  // namespace mae
