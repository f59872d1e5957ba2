#pragma once

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

/// The boundary where exceptions of LibTorch become absl::Status.
namespace mae {

/// The exception being handled, as a Status. Call it in a catch block only.
/// @param what names the operation; stands first in the message.
/// @return RESOURCE_EXHAUSTED with a remedy if memory of host or device ran out, UNAVAILABLE of
/// GroupLostError, else INTERNAL with the exception's words, without a backtrace.
absl::Status StatusOfCurrentException(absl::string_view what);

namespace torch_status_internal {
template <typename T>
struct Result {
  using type = absl::StatusOr<T>;
};
template <typename T>
struct Result<absl::StatusOr<T>> {
  using type = absl::StatusOr<T>;
};
template <>
struct Result<absl::Status> {
  using type = absl::Status;
};
template <>
struct Result<void> {
  using type = absl::Status;
};
}  // namespace torch_status_internal

/// Runs f and turns whatever it throws into a Status (see StatusOfCurrentException).
/// @param f gives absl::Status, absl::StatusOr<T>, T or void.
/// @return absl::Status for Status and void, else absl::StatusOr<T>.
template <typename F>
auto CatchTorch(absl::string_view what, F&& f) ->
    typename torch_status_internal::Result<std::invoke_result_t<F>>::type {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      std::forward<F>(f)();
      return absl::OkStatus();
    } else {
      return std::forward<F>(f)();
    }
  } catch (...) {
    return StatusOfCurrentException(what);
  }
}

}  // namespace mae
