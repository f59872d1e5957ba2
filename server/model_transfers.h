#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "absl/time/time.h"
#include "mae/v1/model.pb.h"
#include "server/model_download.h"
#include "server/stall_watch.h"
#include "server/work_queue.h"
#include "serving/model_store.h"

namespace mae {

struct TransferLimits {
  absl::Duration stall = absl::Seconds(60);  ///< how long a transfer waits for its client's next message
  absl::Duration whole = absl::Hours(6);     ///< how long one may take
  int64_t max_bytes = int64_t{16} << 30;     ///< of one import
  int max_running = 8;                       ///< imports and exports together
};

/// The streams of ImportModel and ExportModel (proto/mae/v1/model.proto). Files lie in a folder of each
/// transfer's own until it ends, however it ends. At most two are worked on at a time, so that memory stays
/// bounded by two models; the disk and LibTorch are waited for on threads of its own, never on gRPC's or
/// those of other calls. A client that neither sends nor takes anything for `stall` has its call ended,
/// as has one that takes longer than `whole`. Thread-safe; outlives the gRPC server.
class ModelTransfers {
 public:
  /// @param folder on the models' file system; whatever a crash left in it is removed.
  ModelTransfers(ModelStore& store, std::filesystem::path folder, CurvesOfJob curves,
                 TransferLimits limits = {});

  grpc::ServerReadReactor<v1::ImportModelRequest>* Import(grpc::CallbackServerContext* context,
                                                          v1::ImportModelResponse* response);
  grpc::ServerWriteReactor<v1::ExportModelResponse>* Export(grpc::CallbackServerContext* context,
                                                            const v1::ExportModelRequest* request);

  /// What the streams share.
  struct Shared {
    ModelStore& store;
    const std::filesystem::path folder;
    const CurvesOfJob curves;
    const TransferLimits limits;
    std::atomic<int> running = 0;
    StallWatch watch{};
    WorkQueue queue;  ///< has room for every running transfer, which has one piece of work at a time
  };

 private:
  Shared shared_;
};

}  // namespace mae
