#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace mae {

/// Which of the ranks a process is, and where it meets the others.
struct RankPlace {
  int64_t rank = 0;        ///< from 0
  int64_t ranks = 1;       ///< of all machines
  int64_t local_rank = 0;  ///< on this machine: the number of its GPU
  int64_t local_ranks = 1;
  std::filesystem::path
      meeting_file;     ///< of ranks of one machine, which then meet on loopback alone; else empty
  std::string address;  ///< else the host of rank 0, and its port there
  int64_t port = 0;

  bool operator==(const RankPlace&) const = default;
};

/// torchrun's variables: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT; and
/// MAE_MEETING_FILE in the place of the last two.
/// @return nothing if RANK is not set; INVALID_ARGUMENT names the variable that is missing or out of range.
absl::StatusOr<std::optional<RankPlace>> RankPlaceFromEnvironment();

}  // namespace mae
