#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "serving/predictor.h"

namespace mae {

/// Answers that models gave, by what was asked of them; the one used longest ago makes room. Thread-safe.
class ResponseCache {
 public:
  /// Of Classify, Embed or Reconstruct.
  using Answer =
      std::variant<std::vector<std::vector<float>>, FloatTensor, std::vector<ReconstructionResult>>;

  /// @param max_bytes of the answers together, with what keeping them takes.
  explicit ResponseCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  /// A number for the answers of one model in memory, never given twice.
  int64_t NewOwner() ABSL_LOCKS_EXCLUDED(mutex_);

  /// Null: it is not there. @param key a digest that no two requests share.
  std::shared_ptr<const Answer> Find(int64_t owner, const std::string& key) ABSL_LOCKS_EXCLUDED(mutex_);
  /// Keeps it, unless it is there or larger than the cache.
  void Put(int64_t owner, const std::string& key, Answer answer) ABSL_LOCKS_EXCLUDED(mutex_);
  void DropAllOf(int64_t owner) ABSL_LOCKS_EXCLUDED(mutex_);

  int64_t bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Key = std::pair<int64_t, std::string>;
  struct Entry {
    std::shared_ptr<const Answer> answer;
    int64_t bytes = 0;
    std::list<Key>::iterator used;
  };

  void Erase(std::map<Key, Entry>::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t max_bytes_;
  mutable absl::Mutex mutex_;
  int64_t owners_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<Key> used_ ABSL_GUARDED_BY(mutex_);  ///< newest first
  std::map<Key, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
