#pragma once

#include <torch/torch.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "runtime/rank_place.h"

namespace c10d {
class ProcessGroup;
}

/// Ranks: the processes that train one model together, each on its part of every batch.
namespace mae {

/// What a collective throws when another rank has ended, or did not take part in time. No further collective
/// can work. CatchTorch makes UNAVAILABLE of it.
class GroupLostError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The ranks of a job, seen by one of them. Any, Sum and Broadcast are collectives: all ranks call
/// them, in the same order, and wait for one another, at most for the time-out; of one rank they do nothing.
/// One thread. Errors: GroupLostError.
///
/// Over c10d (torch.distributed): Gloo for tensors on the CPU, NCCL for those on GPUs in builds with CUDA.
/// Neither authenticates nor encrypts: loopback, or a network that nobody else is on.
class ProcessGroup {
 public:
  /// One rank.
  ProcessGroup();
  /// Meets the other ranks. UNAVAILABLE if they do not come within the time-out.
  /// @param stop looked at while it waits for them: CANCELLED.
  static absl::StatusOr<std::unique_ptr<ProcessGroup>> Join(const RankPlace& place, absl::Duration timeout,
                                                            const std::atomic<bool>& stop);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  const RankPlace& place() const { return place_; }
  int64_t rank() const { return place_.rank; }
  int64_t ranks() const { return place_.ranks; }
  /// Whether this is the rank that writes, records and draws for all.
  bool is_first() const { return place_.rank == 0; }

  /// Whether any rank says so.
  bool Any(bool mine);
  /// Adds up over the ranks, in place. All of them then have the same bits.
  void Sum(torch::Tensor& values);
  /// Copies rank 0's to all, in place; the others have the same shape and type.
  void Broadcast(torch::Tensor& values);
  /// Rank 0's text, of any length.
  std::string Broadcast(std::string text);

  /// Of one rank: null.
  const c10::intrusive_ptr<c10d::ProcessGroup>& c10d_group() const { return group_; }

 private:
  ProcessGroup(const RankPlace& place, c10::intrusive_ptr<c10d::ProcessGroup> group);

  const RankPlace place_{};
  const c10::intrusive_ptr<c10d::ProcessGroup> group_;
};

/// The exception being handled, thrown on: as GroupLostError if a collective threw it because a rank is lost,
/// else as it is. Call it in a catch block only.
[[noreturn]] void RethrowFromCollective();

/// Runs f, which may wait for collectives, such as a backward pass that adds gradients up.
template <typename F>
auto WithCollectives(F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (...) {
    RethrowFromCollective();
  }
}

}  // namespace mae
