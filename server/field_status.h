#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"

namespace mae {

/// Turns an INVALID_ARGUMENT of lib/, whose message begins "field: ", into one with BadRequest details for
/// the field of the request. In the messages of other errors, which have no such details, a field that the
/// request calls otherwise gets its name. What has details already comes back as it is. Pure.
/// @param names field of lib/ to field of the request, where they differ: {"mask_ratio",
/// "random.mask_ratio"}. An index behind the name stays: with {"images", "pixels"} "images[3]" becomes
/// "pixels[3]".
absl::Status WithField(absl::Status status, const std::map<std::string, std::string>& names = {});

}  // namespace mae
