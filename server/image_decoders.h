#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "image/decoder_apart.h"

namespace mae {

/// Processes of mae_image_decoder that read image files for this one, a file at a time each. Those readers
/// are libraries of others, in C, and meet the bytes of strangers: here what they do wrong ends one process,
/// which has no file, no connection and no secret (server/image_decoder_sandbox.h), and one request.
/// Processes are started when there is something for them, and stay. Thread-safe.
class ImageDecoders : public ImageFileDecoder {
 public:
  struct Settings {
    std::filesystem::path program = {};           ///< empty: mae_image_decoder beside this program
    int64_t processes = 1;                        ///< at most
    int64_t memory_bytes = int64_t{4} << 30;      ///< of address space, each
    absl::Duration patience = absl::Seconds(60);  ///< for a free process, and then for a file
  };

  /// FAILED_PRECONDITION if the program can't be run.
  static absl::StatusOr<std::shared_ptr<ImageDecoders>> Make(Settings settings);
  /// Ends the processes. No call may be under way.
  ~ImageDecoders() override;

  /// @return also UNAVAILABLE if the process was killed or can't be started, RESOURCE_EXHAUSTED if all are
  /// busy for too long, it had too little memory, or the system has no more processes. What it throws for
  /// want of memory costs that process alone.
  absl::StatusOr<cv::Mat> Decode(std::string_view bytes, int flags, int64_t pixels) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Those that wait for work.
  std::vector<pid_t> Idle() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class Process;

  explicit ImageDecoders(Settings settings);
  absl::StatusOr<std::unique_ptr<Process>> Take() ABSL_LOCKS_EXCLUDED(mutex_);
  void PutBack(std::unique_ptr<Process> process) ABSL_LOCKS_EXCLUDED(mutex_);

  const Settings settings_;
  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Process>> idle_ ABSL_GUARDED_BY(mutex_);
  int64_t busy_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mae
