#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "serving/cached_predictor.h"
#include "serving/predictor.h"

namespace mae {

/// How models are kept and run.
struct ServingOptions {
  std::string device = "cpu";  ///< auto, cpu, cuda or cuda:N
  InferencePrecision precision = InferencePrecision::kFp32;
  int64_t max_loaded = 4;       ///< predictors kept, at least 1; the one used longest ago makes room
  int64_t max_bytes = 0;        ///< of their weights together; 0: any number
  int64_t forward_threads = 1;  ///< forward passes at a time, of all models, at least 1
  int64_t cache_bytes = 0;      ///< of answers that are given again to those who ask the same; 0: none
  BatchOptions batch;
  /// Told of each batch before it is answered, on a thread of the model's; may be null.
  std::function<void(const std::string& model, int64_t version, const BatchRecord& batch)> on_batch = nullptr;
  /// Told of each look into the cache of answers, on the caller's thread; may be null.
  std::function<void(const std::string& model, int64_t version, const CacheLookup& lookup)> on_lookup =
      nullptr;
};

}  // namespace mae
