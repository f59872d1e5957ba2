#include "server/request_id.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace mae {
namespace {

constexpr size_t kLongest = 128;

bool IsAllowed(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == ':';
}

}  // namespace

std::string RequestIdOf(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  const auto found = metadata.find("x-request-id");
  if (found == metadata.end()) return "";
  std::string id(found->second.data(), found->second.size());
  return id.size() <= kLongest && std::all_of(id.begin(), id.end(), IsAllowed) ? id : "";
}

}  // namespace mae
