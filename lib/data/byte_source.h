#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace mae {

/// The most bytes of one dataset file, decompressed: splits live in memory, and a hostile archive must end
/// somewhere.
inline constexpr int64_t kMaxDatasetFileBytes = int64_t{8} << 30;

/// Bytes that can be read once, in order: a file, or a member of an archive. Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// What the bytes come from, for errors.
  virtual const std::string& name() const = 0;

  /// Fills `out` from its start and gives the count; less than all of it only at the end of the bytes.
  /// INVALID_ARGUMENT if the compression is damaged, INTERNAL if the disk fails.
  virtual absl::StatusOr<int64_t> Read(absl::Span<uint8_t> out) = 0;
};

/// Fills all of `out`; INVALID_ARGUMENT (truncated) if fewer bytes are left.
absl::Status ReadExactly(ByteSource& source, absl::Span<uint8_t> out);

/// Appends the next `count` bytes to `bytes`. A header may claim any count: memory grows with the bytes that
/// are really there. Errors of ReadExactly.
absl::Status AppendBytes(ByteSource& source, int64_t count, std::vector<uint8_t>& bytes);

}  // namespace mae
