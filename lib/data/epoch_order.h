#pragma once

#include <cstdint>
#include <vector>

/// Which image comes when, as pure functions of seed and epoch: a resumed run sees what the uninterrupted one
/// saw.
namespace mae {

/// The order of an epoch: a permutation of 0 .. count-1 that depends on (seed, epoch) alone. All permutations
/// are equally likely (Fisher-Yates, Durstenfeld 1964).
std::vector<int64_t> EpochOrder(int64_t count, uint64_t seed, int64_t epoch);

}  // namespace mae
