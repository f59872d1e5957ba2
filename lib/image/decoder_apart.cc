#include "image/decoder_apart.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mae {
namespace {

ABSL_CONST_INIT absl::Mutex mutex(absl::kConstInit);

std::shared_ptr<ImageFileDecoder>& Kept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
  static auto& kept = *new std::shared_ptr<ImageFileDecoder>();
  return kept;
}

}  // namespace

void SetDecoderApart(std::shared_ptr<ImageFileDecoder> decoder) {
  const absl::MutexLock lock(&mutex);
  Kept().swap(decoder);
}

std::shared_ptr<ImageFileDecoder> DecoderApart() {
  const absl::MutexLock lock(&mutex);
  return Kept();
}

}  // namespace mae
