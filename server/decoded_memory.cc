#include "server/decoded_memory.h"

#include "absl/strings/str_cat.h"

namespace mae {

absl::StatusOr<DecodedMemory::Share> DecodedMemory::Take(int64_t bytes) {
  {
    const absl::MutexLock lock(&mutex_);
    if (bytes > bytes_ - held_) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "the request's pictures take ", bytes, " bytes when they are decoded; those of others take ", held_,
          " of the ", bytes_, " that inference.max_decoded_mib allows; try again later"));
    }
    held_ += bytes;
  }
  return Share(nullptr, [this, bytes](const void*) { GiveBack(bytes); });
}

void DecodedMemory::GiveBack(int64_t bytes) {
  const absl::MutexLock lock(&mutex_);
  held_ -= bytes;
}

}  // namespace mae
