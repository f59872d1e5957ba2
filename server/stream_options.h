#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace mae {

/// How a stream of requests is worked on: what its caller asks for in the call's metadata.
struct StreamOptions {
  static constexpr int64_t kMaxWindow = 16;

  /// `mae-stream-window`: requests of the stream in work or answered but not written yet, 1 to kMaxWindow.
  int64_t window = 1;
  /// `mae-stream-order`: `kept`, the answers come in the order of the requests, or `any`, as they are made.
  bool keeps_order = true;
};

/// INVALID_ARGUMENT with the key at fault.
absl::StatusOr<StreamOptions> StreamOptionsOf(const grpc::ServerContextBase& context);

}  // namespace mae
