#include "serving/response_cache.h"

namespace mae {
namespace {

// What an entry takes beside its answer: two keys, nodes of a map and of a list.
constexpr int64_t kEntryBytes = 512;

int64_t BytesOf(const std::vector<float>& values) {
  return static_cast<int64_t>(sizeof(values) + values.capacity() * sizeof(float));
}

int64_t BytesOf(const FloatTensor& tensor) {
  return BytesOf(tensor.values) +
         static_cast<int64_t>(sizeof(tensor) + tensor.shape.size() * sizeof(int64_t));
}

int64_t BytesOf(const Picture& picture) { return static_cast<int64_t>(picture.pixels.capacity()); }

int64_t BytesOf(const ReconstructionResult& result) {
  return static_cast<int64_t>(sizeof(result) + result.hidden.size() / 8 +
                              result.ids_restore.capacity() * sizeof(int32_t)) +
         BytesOf(result.prediction) + BytesOf(result.pixels) + BytesOf(result.original) +
         BytesOf(result.masked) + BytesOf(result.reconstruction) + BytesOf(result.pasted);
}

template <typename Part>
int64_t BytesOf(const std::vector<Part>& parts) {
  int64_t bytes = 0;
  for (const auto& part : parts) bytes += BytesOf(part);
  return bytes;
}

}  // namespace

int64_t ResponseCache::NewOwner() {
  const absl::MutexLock lock(&mutex_);
  return ++owners_;
}

std::shared_ptr<const ResponseCache::Answer> ResponseCache::Find(int64_t owner, const std::string& key) {
  const absl::MutexLock lock(&mutex_);
  const auto it = entries_.find({owner, key});
  if (it == entries_.end()) return nullptr;
  used_.splice(used_.begin(), used_, it->second.used);
  return it->second.answer;
}

void ResponseCache::Put(int64_t owner, const std::string& key, Answer answer) {
  const int64_t bytes = kEntryBytes + std::visit([](const auto& parts) { return BytesOf(parts); }, answer);
  if (bytes > max_bytes_) return;
  auto kept = std::make_shared<const Answer>(std::move(answer));
  const absl::MutexLock lock(&mutex_);
  const Key full(owner, key);
  if (entries_.contains(full)) return;  // another caller was quicker
  while (bytes_ + bytes > max_bytes_) Erase(entries_.find(used_.back()));
  used_.push_front(full);
  entries_[full] = {std::move(kept), bytes, used_.begin()};
  bytes_ += bytes;
}

void ResponseCache::DropAllOf(int64_t owner) {
  const absl::MutexLock lock(&mutex_);
  for (auto it = entries_.lower_bound({owner, ""}); it != entries_.end() && it->first.first == owner;) {
    Erase(it++);
  }
}

int64_t ResponseCache::bytes() const {
  const absl::MutexLock lock(&mutex_);
  return bytes_;
}

void ResponseCache::Erase(std::map<Key, Entry>::iterator entry) {
  bytes_ -= entry->second.bytes;
  used_.erase(entry->second.used);
  entries_.erase(entry);
}

}  // namespace mae
