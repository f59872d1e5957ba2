#include "server/model_transfers.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/model_upload.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr int kTransferThreads = 2;
constexpr absl::Duration kTransferRetry = absl::Seconds(10);

absl::Status TooMany(int running) {
  return WithRetryDelay(absl::ResourceExhaustedError(
                            absl::StrCat(running, " imports and exports run already; try again later")),
                        kTransferRetry);
}

/// Takes its place among the running transfers, if there is one, for as long as it lives.
class Place {
 public:
  explicit Place(ModelTransfers::Shared& shared) : shared_(shared), taken_(Take(shared)) {}
  ~Place() {
    if (taken_) shared_.running.fetch_sub(1);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  bool taken() const { return taken_; }
  /// How long the client may let the next message wait.
  absl::Duration Patience() const { return std::min(shared_.limits.stall, end_ - absl::Now()); }
  bool TimeIsUp() const { return absl::Now() >= end_; }

 private:
  static bool Take(ModelTransfers::Shared& shared) {
    int running = shared.running.load();
    while (running < shared.limits.max_running) {
      if (shared.running.compare_exchange_weak(running, running + 1)) return true;
    }
    return false;
  }

  ModelTransfers::Shared& shared_;
  const bool taken_;
  const absl::Time end_ = absl::Now() + shared_.limits.whole;
};

/// Reads a message, takes it on the queue, reads the next. Owns itself, from construction to OnDone.
class ImportStream final : public grpc::ServerReadReactor<v1::ImportModelRequest> {
 public:
  ImportStream(ModelTransfers::Shared& shared, grpc::CallbackServerContext* context,
               v1::ImportModelResponse* response)
      : shared_(shared),
        context_(context),
        response_(response),
        place_(shared),
        upload_(shared.folder, shared.limits.max_bytes) {
    if (place_.taken()) {
      Read();
    } else {
      Finish(ToGrpc(TooMany(shared.limits.max_running)));
    }
  }

  void OnReadDone(bool ok) override {
    if (!shared_.watch.TakeBack(waiting_)) return;  // Stalled, and finished.
    Queue([this, ok] { ok ? Take() : Complete(); });
  }

  // Removing files may wait for the disk; a call that was refused has none.
  void OnDone() override {
    if (!place_.taken() || !shared_.queue.TryPush([this] { delete this; })) delete this;
  }

 private:
  void Queue(std::function<void()> work) {
    if (!shared_.queue.TryPush(std::move(work))) Finish(ToGrpc(TooMany(shared_.limits.max_running)));
  }

  void Read() {
    waiting_ = shared_.watch.Add(place_.Patience(), [this] { Finish(ToGrpc(GivenUp())); });
    StartRead(&request_);
  }

  absl::Status GivenUp() const {
    const auto& limits = shared_.limits;
    return absl::DeadlineExceededError(absl::StrCat(
        place_.TimeIsUp() ? absl::StrCat("the import took more than ", absl::FormatDuration(limits.whole))
                          : absl::StrCat("no message came for ", absl::FormatDuration(limits.stall)),
        "; it was given up and nothing was published: send it again"));
  }

  void Take() {
    const absl::Status taken = upload_.Take(request_);
    if (taken.ok()) {
      Read();
    } else {
      Finish(ToGrpc(taken));
    }
  }

  void Complete() {
    if (context_->IsCancelled()) return Finish({grpc::StatusCode::CANCELLED, "the caller has gone"});
    Finish(ToGrpc(upload_.Publish(
        shared_.store, [this] { return context_->IsCancelled(); }, *response_)));
  }

  ModelTransfers::Shared& shared_;
  grpc::CallbackServerContext* const context_;
  v1::ImportModelResponse* const response_;
  const Place place_;
  ModelUpload upload_;
  v1::ImportModelRequest request_;
  int64_t waiting_ = 0;
};

/// Makes a message on the queue, writes it, makes the next. Owns itself, from construction to OnDone.
class ExportStream final : public grpc::ServerWriteReactor<v1::ExportModelResponse> {
 public:
  ExportStream(ModelTransfers::Shared& shared, grpc::CallbackServerContext* context,
               v1::ExportModelRequest request)
      : shared_(shared),
        context_(context),
        request_(std::move(request)),
        place_(shared),
        download_(shared.folder) {
    if (place_.taken()) {
      Queue([this] { Prepare(); });
    } else {
      Finish(ToGrpc(TooMany(shared.limits.max_running)));
    }
  }

  void OnWriteDone(bool ok) override {
    shared_.watch.TakeBack(waiting_);
    if (ok) return Queue([this] { WriteNext(); });
    Finish({grpc::StatusCode::CANCELLED, "the caller has gone, or took nothing for too long"});
  }

  void OnDone() override {
    if (!place_.taken() || !shared_.queue.TryPush([this] { delete this; })) delete this;
  }

 private:
  void Queue(std::function<void()> work) {
    if (!shared_.queue.TryPush(std::move(work))) Finish(ToGrpc(TooMany(shared_.limits.max_running)));
  }

  void Prepare() {
    if (context_->IsCancelled()) return Finish({grpc::StatusCode::CANCELLED, "the caller has gone"});
    const absl::Status prepared = download_.Prepare(request_, shared_.store, shared_.curves);
    if (!prepared.ok()) return Finish(ToGrpc(prepared));
    WriteNext();
  }

  void WriteNext() {
    response_.Clear();
    const absl::StatusOr<bool> more = download_.Next(response_);
    if (!more.ok() || !*more) return Finish(ToGrpc(more.status()));
    // Ends the pending write, which a client that does not read would keep for ever.
    waiting_ = shared_.watch.Add(place_.Patience(), [this] { context_->TryCancel(); });
    StartWrite(&response_);
  }

  ModelTransfers::Shared& shared_;
  grpc::CallbackServerContext* const context_;
  const v1::ExportModelRequest request_;
  const Place place_;
  ModelDownload download_;
  v1::ExportModelResponse response_;
  int64_t waiting_ = 0;
};

}  // namespace

ModelTransfers::ModelTransfers(ModelStore& store, std::filesystem::path folder, CurvesOfJob curves,
                               TransferLimits limits)
    : shared_{.store = store,
              .folder = std::move(folder),
              .curves = std::move(curves),
              .limits = limits,
              .queue = WorkQueue(kTransferThreads, limits.max_running)} {
  std::error_code ignored;  // What can't be removed is in nobody's way.
  std::filesystem::remove_all(shared_.folder, ignored);
}

grpc::ServerReadReactor<v1::ImportModelRequest>* ModelTransfers::Import(grpc::CallbackServerContext* context,
                                                                        v1::ImportModelResponse* response) {
  return new ImportStream(shared_, context, response);
}

grpc::ServerWriteReactor<v1::ExportModelResponse>* ModelTransfers::Export(
    grpc::CallbackServerContext* context, const v1::ExportModelRequest* request) {
  return new ExportStream(shared_, context, *request);
}

}  // namespace mae
