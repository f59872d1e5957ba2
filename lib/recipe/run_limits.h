#pragma once

#include <cstdint>

#include "mae/v1/job.pb.h"
#include "recipe/field_violation.h"
#include "recipe/recipe_context.h"

/// The limits of everything in a spec but the model. Pure functions: no state, safe from any thread.
namespace mae {

inline constexpr int64_t kMaxBatch = 65536;
inline constexpr int64_t kMaxWorkers = 64;
inline constexpr int64_t kMaxCacheMib = int64_t{1} << 20;
inline constexpr int64_t kMaxThreads = 1024;
inline constexpr int64_t kMaxProcesses = 64;
inline constexpr int64_t kMaxRestarts = 100;
inline constexpr int64_t kMaxRankTimeoutSeconds = 3600;
inline constexpr int64_t kMaxPictures = 64;
inline constexpr int64_t kMaxEpochs = 100'000;
inline constexpr int64_t kMaxEverySteps = 1'000'000;
inline constexpr int64_t kMaxKeptCheckpoints = 1000;
inline constexpr int64_t kMaxSkippedInRow = 10'000;
inline constexpr int64_t kMaxRollbacks = 100;

/// Everything outside pretrain and finetune of a spec that FillDefaults filled.
void CheckRun(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations);

}  // namespace mae
