#include "base/system_error.h"

#include <system_error>

#include "absl/strings/str_cat.h"

namespace mae {

absl::StatusCode SystemErrorCode(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:  // of files in /proc
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status SystemError(absl::string_view action, const std::filesystem::path& path, int error) {
  return absl::Status(SystemErrorCode(error), absl::StrCat("cannot ", action, " ", path.string(), ": ",
                                                           std::generic_category().message(error)));
}

}  // namespace mae
