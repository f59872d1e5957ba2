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

#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/image_batches.h"
#include "client/pending_call.h"
#include "mae/v1/inference.grpc.pb.h"

/// Any number of pictures, a few calls of a few pictures under way at a time.
namespace mae {

/// Few enough that a call is answered well within --timeout, on slow servers too; as many calls keep a quick
/// one busy.
constexpr int64_t kImagesACall = 16;
constexpr size_t kCallsUnderWay = 4;

/// Asks for the pictures of one run of a verb, and takes the answers in their order. Not thread-safe.
template <typename Request, typename Response>
class BulkCalls {
 public:
  using Call = PendingCall<Request, Response>;
  using Take = std::function<absl::Status(const std::vector<ImageSource>& sources, const Response& answer)>;

  /// @param base what all requests have in common. @param limits of a request of the server's; what is
  /// under way is no more pixels than it takes at once. @param begin, take and the references outlive it.
  BulkCalls(const Connection& connection, Request base, BatchLimits limits, typename Call::Begin begin,
            LeftOut& left_out)
      : connection_(connection),
        base_(std::move(base)),
        limits_(limits),
        begin_(std::move(begin)),
        left_out_(left_out) {}

  /// Until the first failure, before which all answers were taken. One about a picture names its file, and is
  /// none if the run goes on without it.
  absl::Status Run(const std::vector<ImageSource>& sources, const Take& take) {
    BatchLimits limits = limits_;
    limits.images = std::min(limits.images, kImagesACall);
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
    return sent_.size() < kCallsUnderWay && pixels <= limits_.pixels;
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
    while (true) {
      const absl::Status status = first.call->Wait();
      if (status.ok()) return take(first.sources, first.call->response());
      std::vector<std::string> names;
      for (const ImageSource& source : first.sources) names.push_back(source.name);
      const absl::Status named = NameImages(status, names);
      const std::optional<size_t> fault = ImageAtFault(status);
      if (!fault.has_value() || *fault >= names.size()) return named;
      MAE_RETURN_IF_ERROR(left_out_.Add(named));
      first.sources.erase(first.sources.begin() + static_cast<int64_t>(*fault));
      if (first.sources.empty()) return absl::OkStatus();
      Request rest = first.call->TakeRequest();
      rest.mutable_images()->DeleteSubrange(static_cast<int>(*fault), 1);
      first.call = std::make_unique<Call>(connection_, std::move(rest), begin_);
    }
  }

  const Connection& connection_;
  const Request base_;
  const BatchLimits limits_;
  const typename Call::Begin begin_;
  LeftOut& left_out_;
  std::deque<Sent> sent_;
};

}  // namespace mae
