#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "data/encoded_images.h"
#include "image/codec.h"

namespace mae {

/// Decoded images that are kept in memory, so that later epochs neither read nor decode them. What came first
/// stays: an epoch takes each image once, so that to make room for one would cost another its place for
/// nothing. Thread-safe. Torch-free.
class DecodedCache {
 public:
  /// @param max_bytes of what is kept, at least 0.
  explicit DecodedCache(int64_t max_bytes) : room_(max_bytes) {}

  /// DecodeEncodedImage, or what it gave before. Without room the picture is given and not kept.
  /// @param images must live as long as the cache, at the same address.
  absl::StatusOr<std::shared_ptr<const Picture>> Get(const EncodedImages& images, int64_t index,
                                                     int64_t channels) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Key = std::tuple<const EncodedImages*, int64_t, int64_t>;  ///< images, index, channels

  std::shared_ptr<const Picture> Find(const Key& key) ABSL_LOCKS_EXCLUDED(mutex_);
  void Keep(const Key& key, const std::shared_ptr<const Picture>& picture) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Mutex mutex_;
  int64_t room_ ABSL_GUARDED_BY(mutex_);
  std::map<Key, std::shared_ptr<const Picture>> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
