#pragma once

#include "base/work_queue.h"
#include "mae/v1/server.grpc.pb.h"
#include "server/dataset_store.h"

namespace mae {

/// mae.v1.ServerService: facts about this server. Thread-safe; datasets and queue outlive it.
class ServerService final : public v1::ServerService::CallbackService {
 public:
  /// @param facts what only the server's configuration knows: version, limits, data_dir, metrics_address. The
  /// rest is
  ///   filled in for each call.
  ServerService(v1::ServerInfo facts, const DatasetStore& datasets, WorkQueue& queue)
      : facts_(std::move(facts)), datasets_(datasets), queue_(queue) {}

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* request,
                                          v1::ServerInfo* response) override;

 private:
  v1::ServerInfo Info() const;

  const v1::ServerInfo facts_;
  const DatasetStore& datasets_;
  WorkQueue& queue_;
};

}  // namespace mae
