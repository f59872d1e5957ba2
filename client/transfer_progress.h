#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace mae {

/// A line on stderr with a bar, bytes, speed and time left, drawn over itself as a transfer goes on; nothing
/// where stderr is no live terminal or with --quiet. The destructor takes the line away. Not thread-safe.
class TransferProgress {
 public:
  /// @param verb "sending" or "receiving".
  TransferProgress(std::string verb, int64_t total_bytes, bool quiet);
  ~TransferProgress();
  TransferProgress(const TransferProgress&) = delete;
  TransferProgress& operator=(const TransferProgress&) = delete;

  /// More bytes of `file` went. Draws ten times a second at most.
  void Add(const std::string& file, int64_t bytes);
  /// These bytes had gone before; they are no part of the speed.
  void Skip(int64_t bytes) { skipped_ += bytes; }
  /// All bytes went; what is waited for now.
  void Say(const std::string& what);

 private:
  void Draw(const std::string& line);

  const std::string verb_;
  const int64_t total_bytes_;
  const bool draws_;
  const absl::Time begun_;
  absl::Time drawn_ = absl::InfinitePast();
  int64_t skipped_ = 0, bytes_ = 0;
};

/// "sending model.safetensors ━━━━━━╸───── 46 %  163 MiB of 354 MiB  82 MiB/s  ETA 2 s", at most `columns`
/// wide where that leaves room for a bar. Pure.
/// @param skipped of `bytes`, those that the time was not spent on.
std::string TransferLine(const std::string& what, int64_t bytes, int64_t skipped, int64_t total,
                         absl::Duration spent, int columns);

}  // namespace mae
