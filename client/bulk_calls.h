#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/image_batches.h"
#include "client/pending_call.h"
#include "mae/v1/inference.grpc.pb.h"

/// Any number of pictures, a few calls of a few pictures under way at a time.
namespace mae {

/// Few enough that a call is answered well within --timeout, on slow servers too, and that an answer fits
/// into a message; as many calls keep a quick server busy.
constexpr int64_t kImagesACall = 16;
constexpr size_t kCallsUnderWay = 4;

/// The calls of the service that do not block.
using AsyncInference = v1::InferenceService::StubInterface::async_interface;

/// Asks for the pictures of one run of a verb, and takes the answers in their order. A call that the server
/// has no room for (RESOURCE_EXHAUSTED, which may be because of the others here) is sent once more when no
/// other is under way; from then on they go one by one. Not thread-safe.
template <typename Request, typename Response>
class BulkCalls {
 public:
  using Call = PendingCall<Request, Response>;
  using Method = void (AsyncInference::*)(grpc::ClientContext*, const Request*, Response*,
                                          std::function<void(grpc::Status)>);
  using Take = std::function<absl::Status(const std::vector<ImageSource>& sources, const Response& answer)>;

  /// @param connection, left_out outlive it. @param method such as &AsyncInference::Classify. @param base
  /// what all requests have in common. @param limits of a request of the server's; what is under way is no
  /// more pixels than it takes at once. @param answers_an_image at least 1; the server counts each of them.
  BulkCalls(const Connection& connection, Method method, Request base, BatchLimits limits, LeftOut& left_out,
            int64_t answers_an_image = 1)
      : connection_(connection),
        stub_(v1::InferenceService::NewStub(connection.channel())),
        begin_([this, method](auto* context, const auto* request, auto* response, auto done) {
          (stub_->async()->*method)(context, request, response, std::move(done));
        }),
        base_(std::move(base)),
        limits_(limits),
        images_a_call_(std::max<int64_t>(std::min(limits.images, kImagesACall) / answers_an_image, 1)),
        left_out_(left_out) {}
  BulkCalls(const BulkCalls&) = delete;
  BulkCalls& operator=(const BulkCalls&) = delete;

  /// Until the first failure, before which all answers were taken. One about a picture names its file, and is
  /// none if the run goes on without it.
  absl::Status Run(const std::vector<ImageSource>& sources, const Take& take) {
    BatchLimits limits = limits_;
    limits.images = images_a_call_;
    limits.pixels = std::max<int64_t>(limits.pixels / static_cast<int64_t>(kCallsUnderWay), 1);
    BatchReader reader(sources, limits, left_out_);
    while (true) {
      absl::StatusOr<ImageBatch> batch = reader.Next();
      const bool ends = !batch.ok() || batch->images.empty();
      while (!sent_.empty() && (ends || !HasRoom(*batch))) MAE_RETURN_IF_ERROR(TakeFirst(take));
      if (ends) return batch.status();
      Send(*std::move(batch));
    }
  }

 private:
  struct Sent {
    std::vector<ImageSource> sources;
    int64_t pixels = 0;
    std::unique_ptr<Call> call;
  };

  bool HasRoom(const ImageBatch& batch) const {
    int64_t pixels = batch.pixels;
    for (const Sent& one : sent_) pixels += one.pixels;
    return sent_.size() < at_once_ && pixels <= limits_.pixels;
  }

  void Send(ImageBatch batch) {
    Request request = base_;
    for (v1::Image& image : batch.images) *request.add_images() = std::move(image);
    sent_.push_back({std::move(batch.sources), batch.pixels,
                     std::make_unique<Call>(connection_, std::move(request), begin_)});
  }

  absl::Status TakeFirst(const Take& take) {
    Sent first = std::move(sent_.front());
    sent_.pop_front();
    bool is_alone = false;
    while (true) {
      const absl::Status status = first.call->Wait();
      if (status.ok()) return take(first.sources, first.call->response());
      Request request = first.call->TakeRequest();
      if (absl::IsResourceExhausted(status) && !is_alone) {
        for (const Sent& other : sent_) (void)other.call->Wait();  // how they ended shows when they are taken
        is_alone = true;
        at_once_ = 1;
      } else {
        MAE_RETURN_IF_ERROR(LeaveOutFaulty(status, first.sources, request));
        if (first.sources.empty()) return absl::OkStatus();
      }
      first.call = std::make_unique<Call>(connection_, std::move(request), begin_);
    }
  }

  /// Takes the picture that a call failed for out of its request. @return the failure, if it ends the run.
  absl::Status LeaveOutFaulty(const absl::Status& failure, std::vector<ImageSource>& sources,
                              Request& request) {
    std::vector<std::string> names;
    for (const ImageSource& source : sources) names.push_back(source.name);
    const absl::Status named = NameImages(failure, names);
    const std::optional<size_t> fault = ImageAtFault(failure);
    if (!fault.has_value() || *fault >= names.size()) return named;
    MAE_RETURN_IF_ERROR(left_out_.Add(named));
    sources.erase(sources.begin() + static_cast<int64_t>(*fault));
    request.mutable_images()->DeleteSubrange(static_cast<int>(*fault), 1);
    return absl::OkStatus();
  }

  const Connection& connection_;
  const std::unique_ptr<v1::InferenceService::Stub> stub_;
  const typename Call::Begin begin_;
  const Request base_;
  const BatchLimits limits_;
  const int64_t images_a_call_;
  LeftOut& left_out_;
  size_t at_once_ = kCallsUnderWay;
  std::deque<Sent> sent_;
};

}  // namespace mae
