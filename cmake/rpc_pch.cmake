# mae_rpc_pch: the precompiled header of the side without torch. Half of what server and client take to build is
# reading these headers.
file(WRITE "${CMAKE_BINARY_DIR}/rpc_pch.cc" "")
add_library(mae_rpc_pch OBJECT "${CMAKE_BINARY_DIR}/rpc_pch.cc")
target_link_libraries(mae_rpc_pch PRIVATE mae_proto CLI11::CLI11 absl::status absl::statusor absl::strings
  absl::synchronization absl::time mae_warnings)
target_precompile_headers(mae_rpc_pch PRIVATE <filesystem> <map> <memory> <string> <vector> <CLI/CLI.hpp>
  <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/synchronization/mutex.h> <absl/time/time.h>
  <grpcpp/grpcpp.h> <mae/v1/dataset.grpc.pb.h> <mae/v1/inference.grpc.pb.h> <mae/v1/job.grpc.pb.h>
  <mae/v1/model.grpc.pb.h> <mae/v1/server.grpc.pb.h>)
