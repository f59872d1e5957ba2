#pragma once

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "base/work_queue.h"

namespace mae {

/// Work that one thread, its owner, cuts into pieces, for idle threads of a WorkQueue to take some of: many
/// short phases, one after another, of a few microseconds a piece. Nothing depends on help: a thread that
/// never comes, comes late or leaves early costs no more than the piece it has taken. Helpers are asked for
/// only while the queue has idle threads and nothing to do; they leave between two pieces as soon as other
/// work waits there, or when no phase has begun for some tens of microseconds, which they spin.
/// Used by its owner's thread alone. Takes no lock and allocates nothing in a phase.
class WorkTeam {
 public:
  /// `member` is below members(); no two pieces run at the same time with the same one. 0 is the owner.
  using Piece = absl::FunctionRef<void(int64_t piece, int64_t member)>;

  /// The owner alone, who runs every piece in order.
  WorkTeam() = default;
  /// Asks for no help yet.
  /// @param threads outlives the team; the owner may be one of them. nullptr: the owner alone.
  /// @param most helpers at a time.
  WorkTeam(WorkQueue* threads, int64_t most);
  /// Waits for nobody: helpers that have no piece touch nothing of the owner's.
  ~WorkTeam();
  WorkTeam(const WorkTeam&) = delete;
  WorkTeam& operator=(const WorkTeam&) = delete;

  int64_t members() const { return 1 + most_; }

  /// Asks as many idle threads as may still join. Never blocks; they come, if at all, while phases run.
  void AskForHelp();

  /// A phase: runs each of the pieces 0, 1, … once, on the owner's thread and on those that help, and returns
  /// when the last has ended, which then happened before. The owner waits for pieces alone that a helper is
  /// in. @param run must not throw, as work of a WorkQueue.
  void Run(int64_t pieces, Piece run);

 private:
  struct Shared;

  WorkQueue* threads_ = nullptr;
  int64_t most_ = 0;
  int64_t helped_ = 0;  ///< pieces that helpers ran, of all phases
  std::shared_ptr<Shared> shared_;
};

}  // namespace mae
