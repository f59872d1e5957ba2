#include "serving/predictor_cache.h"

#include <utility>

namespace mae {

PredictorCache::PredictorCache(int64_t max_loaded, Load load)
    : max_loaded_(static_cast<size_t>(max_loaded)), load_(std::move(load)) {}

absl::StatusOr<std::shared_ptr<const Predictor>> PredictorCache::Acquire(const std::string& key) {
  std::shared_ptr<Entry> entry;
  {
    const absl::MutexLock lock(&mutex_);
    const auto it = entries_.find(key);
    if (it != entries_.end()) {
      entry = it->second;
      // Ends with the load, which ends by itself.
      mutex_.Await(absl::Condition(
          +[](Entry* waited) { return !waited->loading; }, entry.get()));
      entry->last_used = ++uses_;
      return entry->predictor;
    }
    MakeRoom();
    entry = std::make_shared<Entry>();
    entry->last_used = ++uses_;
    entries_[key] = entry;
  }
  return LoadInto(key, entry);
}

absl::StatusOr<std::shared_ptr<const Predictor>> PredictorCache::LoadInto(
    const std::string& key, const std::shared_ptr<Entry>& entry) {
  absl::StatusOr<std::shared_ptr<const Predictor>> loaded = load_(key);
  const absl::MutexLock lock(&mutex_);
  entry->predictor = loaded;
  entry->loading = false;
  if (!loaded.ok()) entries_.erase(key);
  return loaded;
}

bool PredictorCache::IsLoaded(const std::string& key) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = entries_.find(key);
  return it != entries_.end() && !it->second->loading;
}

// Room is made before the load, so that memory never holds one predictor too many.
void PredictorCache::MakeRoom() {
  while (entries_.size() >= max_loaded_) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      const bool older = oldest == entries_.end() || it->second->last_used < oldest->second->last_used;
      if (!it->second->loading && older) oldest = it;
    }
    if (oldest == entries_.end()) return;
    entries_.erase(oldest);
  }
}

}  // namespace mae
