#include "runtime/torch_status.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/process_group.h"

namespace mae {
namespace {

absl::Status OutOfMemory(absl::string_view what, absl::string_view reason) {
  return absl::ResourceExhaustedError(
      absl::StrCat(what, ": out of memory; use a smaller batch or model, or another device: ", reason));
}

}  // namespace

absl::Status StatusOfCurrentException(absl::string_view what) {
  try {
    throw;
  } catch (const c10::OutOfMemoryError& error) {
    return OutOfMemory(what, error.what_without_backtrace());
  } catch (const c10::Error& error) {
    const absl::string_view text = error.what_without_backtrace();
    // The host's allocator throws a plain error.
    if (absl::StrContains(text, "DefaultCPUAllocator")) return OutOfMemory(what, text);
    return absl::InternalError(absl::StrCat(what, ": ", text));
  } catch (const GroupLostError& error) {
    return absl::UnavailableError(absl::StrCat(what, ": another rank is gone: ", error.what()));
  } catch (const std::bad_alloc& error) {
    return OutOfMemory(what, error.what());
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(what, ": ", error.what()));
  } catch (...) {
    return absl::InternalError(absl::StrCat(what, ": an exception of unknown type"));
  }
}

}  // namespace mae
