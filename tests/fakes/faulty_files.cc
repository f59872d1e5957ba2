#include "tests/fakes/faulty_files.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <regex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mae {
namespace {

constexpr size_t kNever = std::numeric_limits<size_t>::max();

absl::Mutex mutex(absl::kConstInit);
FaultyFiles* current ABSL_GUARDED_BY(mutex) = nullptr;

// The C library's function behind ours.
template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

std::filesystem::path PathOf(int fd) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
}

bool IsUnder(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return path.string().starts_with(folder.string());
}

std::string NameIn(const std::filesystem::path& folder, const std::filesystem::path& path) {
  static const std::regex changing("\\.tmp\\.[0-9.]+");
  return std::regex_replace(path.lexically_relative(folder).string(), changing, ".tmp");
}

ino_t InodeOf(const std::filesystem::path& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

// Asks the disk that is there, if any, and gives what the interposed function shall do.
template <typename Ask>
bool IsToFail(const Ask& ask) {
  absl::MutexLock lock(&mutex);
  const int error = current == nullptr ? 0 : ask(*current);
  if (error != 0) errno = error;
  return error != 0;
}

}  // namespace

FaultyFiles::FaultyFiles(std::filesystem::path folder)
    : folder_(std::filesystem::canonical(folder)), failing_(kNever), last_(kNever) {
  absl::MutexLock lock(&mutex);
  current = this;
}

FaultyFiles::~FaultyFiles() {
  absl::MutexLock lock(&mutex);
  current = nullptr;
}

void FaultyFiles::FailCall(size_t index, int error) {
  absl::MutexLock lock(&mutex);
  failing_ = index;
  error_ = error;
}

void FaultyFiles::LosePowerAt(size_t index) {
  absl::MutexLock lock(&mutex);
  last_ = index;
}

std::vector<std::string> FaultyFiles::calls() const {
  absl::MutexLock lock(&mutex);
  return calls_;
}

int FaultyFiles::Note(const std::string& call) {
  const size_t index = calls_.size();
  calls_.push_back(call);
  if (index == last_) {
    DropUnsynced();
    _exit(kPowerLost);
  }
  return index == failing_ ? error_ : 0;
}

void FaultyFiles::DropUnsynced() {
  for (const auto& [inode, path] : unsynced_) {
    if (InodeOf(path) == inode && truncate(path.c_str(), 0) != 0) _exit(1);
  }
}

int FaultyFiles::OnWrite(int fd) {
  const std::filesystem::path path = PathOf(fd);
  if (!IsUnder(path, folder_)) return 0;
  const int error = Note("write " + NameIn(folder_, path));
  if (error == 0) unsynced_[InodeOf(path)] = path;
  return error;
}

int FaultyFiles::OnSync(int fd) {
  const std::filesystem::path path = PathOf(fd);
  if (!IsUnder(path, folder_)) return 0;
  const int error = Note("fsync " + NameIn(folder_, path));
  if (error == 0) unsynced_.erase(InodeOf(path));
  return error;
}

int FaultyFiles::OnRename(const char* from, const char* to) {
  const std::filesystem::path source = std::filesystem::weakly_canonical(from);
  const std::filesystem::path target = std::filesystem::weakly_canonical(to);
  if (!IsUnder(target, folder_)) return 0;
  const int error = Note("rename " + NameIn(folder_, source) + " " + NameIn(folder_, target));
  const auto moved = unsynced_.find(InodeOf(source));
  if (error == 0 && moved != unsynced_.end()) moved->second = target;
  return error;
}

}  // namespace mae

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  static const auto real = mae::Real<ssize_t (*)(int, const void*, size_t)>("write");
  return mae::IsToFail([&](mae::FaultyFiles& files) { return files.OnWrite(fd); }) ? -1
                                                                                   : real(fd, data, size);
}

int fsync(int fd) {
  static const auto real = mae::Real<int (*)(int)>("fsync");
  return mae::IsToFail([&](mae::FaultyFiles& files) { return files.OnSync(fd); }) ? -1 : real(fd);
}

int rename(const char* from, const char* to) noexcept {
  static const auto real = mae::Real<int (*)(const char*, const char*)>("rename");
  return mae::IsToFail([&](mae::FaultyFiles& files) { return files.OnRename(from, to); }) ? -1
                                                                                          : real(from, to);
}

}  // extern "C"
