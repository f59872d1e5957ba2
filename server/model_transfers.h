#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <filesystem>

#include "mae/v1/model.pb.h"
#include "server/model_download.h"
#include "server/transfer_place.h"
#include "serving/model_store.h"

namespace mae {

/// The streams of ImportModel and ExportModel (proto/mae/v1/model.proto). Files lie in a folder of each
/// transfer's own until it ends, however it ends. At most two are worked on at a time, so that memory stays
/// bounded by two models; the disk and LibTorch are waited for on threads of its own, never on gRPC's or
/// those of other calls. A client that neither sends nor takes anything for `stall` has its call ended,
/// as has one that takes longer than `whole`. Thread-safe; outlives the gRPC server.
class ModelTransfers {
 public:
  /// @param folder on the models' file system; whatever a crash left in it is removed.
  /// @param disk_reserve bytes that transfers leave free on the disk. @param max_bytes of one import.
  ModelTransfers(ModelStore& store, std::filesystem::path folder, CurvesOfJob curves,
                 int64_t disk_reserve = 0, TransferLimits limits = {}, int64_t max_bytes = int64_t{16} << 30);

  grpc::ServerReadReactor<v1::ImportModelRequest>* Import(grpc::CallbackServerContext* context,
                                                          v1::ImportModelResponse* response);
  grpc::ServerWriteReactor<v1::ExportModelResponse>* Export(grpc::CallbackServerContext* context,
                                                            const v1::ExportModelRequest* request);

 private:
  ModelStore& store_;
  const std::filesystem::path folder_;
  const CurvesOfJob curves_;
  const int64_t disk_reserve_, max_bytes_;
  Transfers transfers_;
};

}  // namespace mae
