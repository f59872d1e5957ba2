#pragma once

/// \file
/// How the sanitizer is told of an order between threads that comes from libraries that are not instrumented.
#include <dlfcn.h>

#include "absl/base/config.h"

// The sanitizer's own names.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void __tsan_acquire(void* address);  ///< what was before the releases of `address` is before what comes now
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);  ///< of this thread; its writes too
void AnnotateIgnoreReadsEnd(const char* file, int line);
}
// NOLINTEND(bugprone-reserved-identifier)

/// How mangled names of abseil begin.
#define MAE_ABSL "_ZN4absl7" MAE_ABSL_VERSION
#define MAE_ABSL_CONST "_ZNK4absl7" MAE_ABSL_VERSION
#define MAE_STRING_OF(x) #x
#define MAE_STRING(x) MAE_STRING_OF(x)
#define MAE_ABSL_VERSION MAE_STRING(ABSL_OPTION_INLINE_NAMESPACE_NAME)
static_assert(sizeof(MAE_ABSL_VERSION) == sizeof("debian3"), "mangled names carry the length of this one");

namespace mae {

/// The definition of `symbol`, a mangled name, in the libraries behind this one.
template <typename Function>
Function* NextDefinition(const char* symbol) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, symbol));
}

/// What is handed to gRPC is handed on by it, from thread to thread and over sockets: everything before a
/// call into its core is before everything after a later one. Any two threads that call gRPC one after the
/// other are thereby in order, also where they are not: of a race between them only what lies between such
/// calls is seen. Without it, each message would be reported.
void HandOverThroughGrpc();

}  // namespace mae
