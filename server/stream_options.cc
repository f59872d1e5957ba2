#include "server/stream_options.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

std::string ValueOf(const grpc::ServerContextBase& context, const char* key, const char* unset) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return unset;
  return {found->second.data(), found->second.size()};
}

}  // namespace

absl::StatusOr<StreamOptions> StreamOptionsOf(const grpc::ServerContextBase& context) {
  StreamOptions options;
  const std::string window = ValueOf(context, "mae-stream-window", "1");
  if (!absl::SimpleAtoi(window, &options.window) || options.window < 1 ||
      options.window > StreamOptions::kMaxWindow) {
    return InvalidField("mae-stream-window", absl::StrCat("is '", window, "'; give a whole number from 1 to ",
                                                          StreamOptions::kMaxWindow));
  }
  const std::string order = ValueOf(context, "mae-stream-order", "kept");
  if (order != "kept" && order != "any") {
    return InvalidField("mae-stream-order", absl::StrCat("is '", order, "'; give kept or any"));
  }
  options.keeps_order = order == "kept";
  return options;
}

}  // namespace mae
