#include "runtime/rank_place.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace mae {
namespace {

const char* Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<int64_t> Number(const char* name, int64_t least, int64_t most) {
  int64_t value = 0;
  if (absl::SimpleAtoi(Variable(name), &value) && value >= least && value <= most) return value;
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is \"", Variable(name), "\", and must be a number in ", least, " .. ", most));
}

absl::StatusOr<int64_t> NumberOr(const char* name, int64_t least, int64_t most, int64_t otherwise) {
  if (*Variable(name) == '\0') return otherwise;
  return Number(name, least, most);
}

}  // namespace

absl::StatusOr<std::optional<RankPlace>> RankPlaceFromEnvironment() {
  constexpr int64_t kMaxRanks = 1 << 16;
  if (*Variable("RANK") == '\0') {
    MAE_ASSIGN_OR_RETURN(const int64_t ranks, NumberOr("WORLD_SIZE", 1, kMaxRanks, 1));
    if (ranks == 1) return std::nullopt;
    return absl::InvalidArgumentError(absl::StrCat("RANK is not set, but WORLD_SIZE is ", ranks));
  }
  RankPlace place;
  MAE_ASSIGN_OR_RETURN(place.ranks, Number("WORLD_SIZE", 1, kMaxRanks));
  MAE_ASSIGN_OR_RETURN(place.rank, Number("RANK", 0, place.ranks - 1));
  MAE_ASSIGN_OR_RETURN(place.local_ranks, NumberOr("LOCAL_WORLD_SIZE", 1, place.ranks, 1));
  MAE_ASSIGN_OR_RETURN(place.local_rank, NumberOr("LOCAL_RANK", 0, place.local_ranks - 1, 0));
  place.meeting_file = Variable("MAE_MEETING_FILE");
  if (!place.meeting_file.empty() || place.ranks == 1) return place;
  place.address = Variable("MASTER_ADDR");
  if (place.address.empty()) return absl::InvalidArgumentError("MASTER_ADDR is not set, but RANK is");
  MAE_ASSIGN_OR_RETURN(place.port, Number("MASTER_PORT", 1, 65535));
  return place;
}

}  // namespace mae
