#include "server/model_transfers.h"

#include <system_error>
#include <utility>

#include "base/catch_all.h"
#include "server/model_upload.h"
#include "server/status_to_grpc.h"
#include "server/upload_stream.h"

namespace mae {
namespace {

using ImportStream = UploadStream<v1::ImportModelRequest, v1::ImportModelResponse, ModelUpload>;

/// Makes a message on the queue, writes it, makes the next. Owns itself, from construction to OnDone.
class ExportStream final : public grpc::ServerWriteReactor<v1::ExportModelResponse> {
 public:
  ExportStream(Transfers& transfers, ModelStore& store, const CurvesOfJob& curves,
               const std::filesystem::path& folder, int64_t disk_reserve,
               grpc::CallbackServerContext* context, v1::ExportModelRequest request)
      : transfers_(transfers),
        store_(store),
        curves_(curves),
        context_(context),
        request_(std::move(request)),
        place_(transfers),
        download_(folder, disk_reserve) {
    if (place_.taken()) {
      Queue([this] { Prepare(); });
    } else {
      Finish(ToGrpc(place_.TooMany()));
    }
  }

  void OnWriteDone(bool ok) override {
    transfers_.watch.TakeBack(waiting_);
    if (ok) return Queue([this] { WriteNext(); });
    Finish({grpc::StatusCode::CANCELLED, "the caller has gone, or took nothing for too long"});
  }

  void OnDone() override {
    if (!place_.taken() || !transfers_.queue.TryPush([this] { delete this; })) delete this;
  }

 private:
  void Queue(std::function<void()> work) {
    if (!transfers_.queue.TryPush(std::move(work))) Finish(ToGrpc(place_.TooMany()));
  }

  void Prepare() {
    if (context_->IsCancelled()) return Finish({grpc::StatusCode::CANCELLED, "the caller has gone"});
    const absl::Status prepared =
        CatchAll("the export", [this] { return download_.Prepare(request_, store_, curves_); });
    if (!prepared.ok()) return Finish(ToGrpc(prepared));
    WriteNext();
  }

  void WriteNext() {
    response_.Clear();
    const absl::StatusOr<bool> more = CatchAll("the export", [this] { return download_.Next(response_); });
    if (!more.ok() || !*more) return Finish(ToGrpc(more.status()));
    // Ends the pending write, which a client that does not read would keep for ever.
    waiting_ = transfers_.watch.Add(place_.Patience(), [this] { context_->TryCancel(); });
    StartWrite(&response_);
  }

  Transfers& transfers_;
  ModelStore& store_;
  const CurvesOfJob& curves_;
  grpc::CallbackServerContext* const context_;
  const v1::ExportModelRequest request_;
  const TransferPlace place_;
  ModelDownload download_;
  v1::ExportModelResponse response_;
  int64_t waiting_ = 0;
};

}  // namespace

ModelTransfers::ModelTransfers(ModelStore& store, std::filesystem::path folder, CurvesOfJob curves,
                               int64_t disk_reserve, TransferLimits limits, int64_t max_bytes)
    : store_(store),
      folder_(std::move(folder)),
      curves_(std::move(curves)),
      disk_reserve_(disk_reserve),
      max_bytes_(max_bytes),
      transfers_(limits) {
  std::error_code ignored;  // What can't be removed is in nobody's way.
  std::filesystem::remove_all(folder_, ignored);
}

grpc::ServerReadReactor<v1::ImportModelRequest>* ModelTransfers::Import(grpc::CallbackServerContext* context,
                                                                        v1::ImportModelResponse* response) {
  const auto publish = [this](ModelUpload& upload, const std::function<bool()>& is_cancelled,
                              v1::ImportModelResponse& published) {
    return upload.Publish(store_, is_cancelled, published);
  };
  return new ImportStream(transfers_, context, response, publish, folder_, max_bytes_, disk_reserve_);
}

grpc::ServerWriteReactor<v1::ExportModelResponse>* ModelTransfers::Export(
    grpc::CallbackServerContext* context, const v1::ExportModelRequest* request) {
  return new ExportStream(transfers_, store_, curves_, folder_, disk_reserve_, context, *request);
}

}  // namespace mae
