#include "base/catch_all.h"

#include <exception>
#include <new>

#include "absl/strings/str_cat.h"

namespace mae {

absl::Status StatusOfException(absl::string_view what) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(what, ": out of memory; try again when less runs"));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(what, ": ", error.what()));
  } catch (...) {
    return absl::InternalError(absl::StrCat(what, ": an exception of unknown type"));
  }
}

}  // namespace mae
