#include "serving/predictor_cache.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/catch_all.h"
#include "base/status_macros.h"

namespace mae {
namespace {

// Rounded up, so that a model that does not fit is never said to be as large as its limit.
int64_t MiB(int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

// A payload that stays inside the server.
constexpr char kNoRoom[] = "mae/no-room-for-model";

absl::Status NoRoom(const std::string& message) {
  auto status = absl::ResourceExhaustedError(message);
  status.SetPayload(kNoRoom, absl::Cord());
  return status;
}

}  // namespace

bool LeavesNoRoom(const absl::Status& status) { return status.GetPayload(kNoRoom).has_value(); }

PredictorCache::PredictorCache(Limits limits, Load load, Size size_of)
    : limits_(limits), load_(std::move(load)), size_of_(std::move(size_of)) {}

absl::StatusOr<std::shared_ptr<const Predictor>> PredictorCache::Acquire(const std::string& key,
                                                                         std::optional<bool> pin) {
  std::shared_ptr<Entry> entry;
  {
    const absl::MutexLock lock(&mutex_);
    entry = Use(key, pin);
  }
  if (entry != nullptr) return Wait(*entry);
  const int64_t bytes = size_of_ ? size_of_(key) : 0;
  bool is_mine = false;
  {
    Dropped dropped;
    const absl::MutexLock lock(&mutex_);
    entry = Use(key, pin);  // another caller may have been quicker
    if (entry == nullptr) {
      MAE_RETURN_IF_ERROR(CheckRoom(bytes));
      // Room is made before the load, so that memory never holds one predictor too many.
      MakeRoom(1, bytes, dropped);
      entries_[key] = std::make_shared<Entry>(Entry{.bytes = bytes});
      entry = Use(key, pin);
      is_mine = true;
    }
  }
  return is_mine ? LoadInto(key, entry) : Wait(*entry);
}

std::shared_ptr<PredictorCache::Entry> PredictorCache::Use(const std::string& key, std::optional<bool> pin) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return nullptr;
  it->second->last_used = ++uses_;
  if (pin.has_value()) it->second->pinned = *pin;
  return it->second;
}

absl::StatusOr<std::shared_ptr<const Predictor>> PredictorCache::Wait(Entry& entry) const {
  const absl::MutexLock lock(&mutex_);
  // Ends with the load, which ends by itself.
  mutex_.Await(absl::Condition(
      +[](Entry* waited) { return !waited->loading; }, &entry));
  return entry.predictor;
}

absl::StatusOr<std::shared_ptr<const Predictor>> PredictorCache::LoadInto(
    const std::string& key, const std::shared_ptr<Entry>& entry) {
  using Shared = absl::StatusOr<std::shared_ptr<const Predictor>>;
  // Caught here, since others may wait for the end of this load.
  const Shared shared = CatchAll("loading the model", [&]() -> Shared {
    MAE_ASSIGN_OR_RETURN(auto loaded, load_(key));
    return live_.Share(key, std::move(loaded));
  });
  Dropped dropped;
  const absl::MutexLock lock(&mutex_);
  entry->predictor = shared;
  entry->loading = false;
  if (!shared.ok()) entries_.erase(key);
  MakeRoom(0, 0, dropped);  // others may have loaded meanwhile
  return shared;
}

void PredictorCache::Drop(const std::string& key) {
  Dropped dropped;
  const absl::MutexLock lock(&mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  dropped.push_back(it->second);
  mutex_.Await(absl::Condition(
      +[](Entry* waited) { return !waited->loading; }, dropped[0].get()));
  // The load may have failed, or made room for others.
  if (const auto now = entries_.find(key); now != entries_.end() && now->second == dropped[0]) {
    entries_.erase(now);
  }
}

absl::Status PredictorCache::Unload(const std::string& key, const RequestContext& context) {
  Drop(key);
  return live_.WaitUntilGone(key, context);
}

bool PredictorCache::IsLoaded(const std::string& key) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = entries_.find(key);
  return it != entries_.end() && !it->second->loading;
}

bool PredictorCache::IsPinned(const std::string& key) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = entries_.find(key);
  return it != entries_.end() && it->second->pinned;
}

std::vector<std::string> PredictorCache::Loaded() const {
  const absl::MutexLock lock(&mutex_);
  std::vector<std::string> keys;
  for (const auto& [key, entry] : entries_) {
    if (!entry->loading) keys.push_back(key);
  }
  return keys;
}

// Whether there could be room for one more, if all that isn't pinned made it.
absl::Status PredictorCache::CheckRoom(int64_t bytes) const {
  if (limits_.bytes > 0 && bytes > limits_.bytes) {
    return NoRoom(absl::StrCat("the model takes ", MiB(bytes), " MiB, and memory_mib is ",
                               limits_.bytes >> 20, "; raise it in the server's settings"));
  }
  int64_t pinned = 0, pinned_bytes = 0;
  for (const auto& [key, entry] : entries_) {
    if (!entry->pinned) continue;
    ++pinned;
    pinned_bytes += entry->bytes;
  }
  if (pinned >= limits_.models) {
    return NoRoom(absl::StrCat("all ", pinned,
                               " models that may be in memory (max_loaded_models) are pinned; unload one, ",
                               "or raise the setting"));
  }
  if (limits_.bytes > 0 && pinned_bytes + bytes > limits_.bytes) {
    return NoRoom(absl::StrCat("the model takes ", MiB(bytes), " MiB, and pinned models take ",
                               MiB(pinned_bytes), " of ", limits_.bytes >> 20,
                               " (memory_mib); unload one, or raise the setting"));
  }
  return absl::OkStatus();
}

bool PredictorCache::HasRoom(size_t models, int64_t bytes) const {
  for (const auto& [key, entry] : entries_) bytes += entry->bytes;
  return entries_.size() + models <= static_cast<size_t>(limits_.models) &&
         (limits_.bytes == 0 || bytes <= limits_.bytes);
}

// For so many models and bytes more, as far as what loads and what is pinned lets it.
void PredictorCache::MakeRoom(size_t models, int64_t bytes, Dropped& dropped) {
  while (!HasRoom(models, bytes)) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->second->loading || it->second->pinned) continue;
      if (oldest == entries_.end() || it->second->last_used < oldest->second->last_used) oldest = it;
    }
    if (oldest == entries_.end()) return;
    dropped.push_back(std::move(oldest->second));
    entries_.erase(oldest);
  }
}

}  // namespace mae
