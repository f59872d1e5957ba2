#pragma once

#include <grpcpp/support/string_ref.h>

#include <map>
#include <string>

namespace mae {

/// What a caller named its request by (x-request-id), to be found again in the log: 1 to 128 letters, digits
/// or any of "-_.:"; empty if it did not, or by something else. Pure.
std::string RequestIdOf(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);

}  // namespace mae
