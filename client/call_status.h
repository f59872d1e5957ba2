#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grpc {
class Status;
}

/// What the server answered when it refused a call, as absl::Status, with the google.rpc details kept. Pure
/// functions.
namespace mae {

/// The same code and message; OK for OK. Where `address` can't be reached, or not over TLS, or took longer
/// than `timeout`, the message names it and what to do; where the fault is the server's, how its log names
/// the call.
/// @param request_id the x-request-id that the call was sent with.
absl::Status StatusFromCall(const grpc::Status& status, absl::string_view address, absl::Duration timeout,
                            absl::string_view request_id);

/// Whether StatusFromCall made it: false for what this program found by itself.
bool IsFromServer(const absl::Status& status);

/// The error as people read it: the message; a line "field: description" for each google.rpc.BadRequest
/// violation whose description the message has not already; when to try again if google.rpc.RetryInfo says
/// so. No newline at the end.
std::string DescribeFailure(const absl::Status& status);

/// The same status, where the server's fields `images[i]` are named names[i] instead: it never learns file
/// names. Renames in violations, and in the message where a line begins "field: ".
absl::Status NameImages(const absl::Status& status, const std::vector<std::string>& names);

/// Which image of the request the server refused it for: the i of a field `images[i]`; nothing if that was
/// not it.
std::optional<size_t> ImageAtFault(const absl::Status& status);

/// Likewise for fields that have an option of the command line: {"random.mask_ratio", "--mask-ratio"}.
absl::Status NameOptions(const absl::Status& status, const std::map<std::string, std::string>& options);

}  // namespace mae
