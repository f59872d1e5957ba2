#pragma once

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace mae {

/// What decoded pictures take, of all requests together: a small file can be a large picture, and requests
/// come side by side. Thread-safe; never blocks.
class DecodedMemory {
 public:
  /// What a request holds; given back with the last copy. Outlived by the memory.
  using Share = std::shared_ptr<const void>;

  /// @param bytes that may be held at a time, at least 1.
  explicit DecodedMemory(int64_t bytes) : bytes_(bytes) {}

  /// RESOURCE_EXHAUSTED if others hold too much of it. @param bytes at most bytes().
  absl::StatusOr<Share> Take(int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  int64_t bytes() const { return bytes_; }

 private:
  void GiveBack(int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  const int64_t bytes_;
  absl::Mutex mutex_;
  int64_t held_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mae
