#include "data/decoded_cache.h"

#include <utility>

#include "base/status_macros.h"

namespace mae {
namespace {

// What an entry takes besides its pixels: the node of the map, the picture, and what the heap adds to each.
constexpr int64_t kEntryBytes = 256;

}  // namespace

absl::StatusOr<std::shared_ptr<const Picture>> DecodedCache::Get(const EncodedImages& images, int64_t index,
                                                                 int64_t channels) {
  const Key key{&images, index, channels};
  if (auto kept = Find(key)) return kept;
  MAE_ASSIGN_OR_RETURN(Picture decoded, DecodeEncodedImage(images, index, channels));
  auto picture = std::make_shared<const Picture>(std::move(decoded));
  Keep(key, picture);
  return picture;
}

std::shared_ptr<const Picture> DecodedCache::Find(const Key& key) {
  const absl::MutexLock lock(&mutex_);
  const auto found = kept_.find(key);
  return found == kept_.end() ? nullptr : found->second;
}

void DecodedCache::Keep(const Key& key, const std::shared_ptr<const Picture>& picture) {
  const auto bytes = static_cast<int64_t>(picture->pixels.capacity()) + kEntryBytes;
  const absl::MutexLock lock(&mutex_);
  if (bytes <= room_ && kept_.emplace(key, picture).second) room_ -= bytes;
}

}  // namespace mae
