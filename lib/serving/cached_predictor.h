#pragma once

#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "serving/predictor.h"
#include "serving/response_cache.h"

namespace mae {

/// What became of one look into the response cache.
struct CacheLookup {
  bool hit = false;
  absl::Duration took;  ///< to make the key and look; of a hit also to copy the answer
};

/// A predictor that gives an answer again where the same was asked before: the same inputs as they were
/// decoded, byte for byte, and the same options (by SHA-256). An answer from the cache is the first one's,
/// bit for bit; errors are not kept. Its answers leave the cache with it.
/// @param cache shared with others, at least as long as it. @param record told of each look; may be null.
std::unique_ptr<Predictor> WithResponseCache(std::unique_ptr<Predictor> predictor,
                                             std::shared_ptr<ResponseCache> cache,
                                             std::function<void(const CacheLookup&)> record);

}  // namespace mae
