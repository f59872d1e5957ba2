#pragma once

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

/// The boundary where an exception, which none of our functions throws on purpose (memory that runs out does,
/// and libraries do), becomes the error of one call instead of the end of the process. Thread-safe.
namespace mae {

/// The exception being handled, as a Status. Call it in a catch block only.
/// @param what names the operation; stands first in the message.
/// @return RESOURCE_EXHAUSTED of std::bad_alloc, else INTERNAL with the exception's words.
absl::Status StatusOfException(absl::string_view what);

/// Runs f and turns whatever it throws into a Status. For calls of LibTorch: runtime/torch_status.h.
/// @param f gives absl::Status or absl::StatusOr<T>.
template <typename F>
std::invoke_result_t<F> CatchAll(absl::string_view what, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (...) {
    return StatusOfException(what);
  }
}

}  // namespace mae
