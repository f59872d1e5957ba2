#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

/// Pages of a list by AIP-158: the token names the last item of the page before, so that items added or
/// removed meanwhile neither repeat nor hide others. Pure functions.
namespace mae {

/// Which part of a list is asked for.
struct Page {
  int64_t size = 0;   ///< items at most, at least 1
  std::string after;  ///< key of the last item already seen; empty: from the start
};

/// @param page_size as asked: 0 means `default_size`, more than `max_size` means `max_size`; INVALID_ARGUMENT
/// below 0.
/// @param page_token as given by NextPageToken, or empty; INVALID_ARGUMENT for anything else.
absl::StatusOr<Page> ParsePage(int32_t page_size, const std::string& page_token, int64_t default_size = 50,
                               int64_t max_size = 1000);

/// The token of the page that follows the item with this key. Callers treat it as opaque.
std::string NextPageToken(const std::string& last_key);

}  // namespace mae
