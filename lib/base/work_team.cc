#include "base/work_team.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mae {
namespace {

// Of a helper without a piece before it leaves, and of the owner before it gives its processor to others:
// some 50 to 100 microseconds.
constexpr int kSpins = 2000;
constexpr size_t kLine = 64;

void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

/// What helpers touch, for as long as one is there.
struct WorkTeam::Shared {
  explicit Shared(int64_t most) : present(static_cast<size_t>(most)) {}

  // Takes a piece of the phase that is open and runs it. @return false if none is left.
  bool RunOne(int64_t member);
  void Help(int64_t member, const WorkQueue& threads);

  // Pieces of the phase that nobody has taken. Who has taken one may read what belongs to the phase, which
  // stays until all that were taken have ended.
  alignas(kLine) std::atomic<int64_t> left = 0;
  int64_t pieces = 0;
  const Piece* run = nullptr;
  alignas(kLine) std::atomic<int64_t> helped = 0;  ///< pieces that helpers ran, of all phases
  std::atomic<bool> closed = false;
  std::vector<std::atomic<bool>> present;  ///< helper 1 + i was asked, and has not left
};

bool WorkTeam::Shared::RunOne(int64_t member) {
  int64_t seen = left.load(std::memory_order_relaxed);
  do {
    if (seen == 0) return false;
  } while (!left.compare_exchange_weak(seen, seen - 1, std::memory_order_acquire, std::memory_order_relaxed));
  (*run)(pieces - seen, member);
  return true;
}

void WorkTeam::Shared::Help(int64_t member, const WorkQueue& threads) {
  for (int spins = 0; spins < kSpins && !closed.load(std::memory_order_relaxed) && !threads.LacksThreads();) {
    if (RunOne(member)) {
      helped.fetch_add(1, std::memory_order_release);
      spins = 0;
    } else {
      Pause();
      ++spins;
    }
  }
  present[static_cast<size_t>(member - 1)].store(false, std::memory_order_release);
}

WorkTeam::WorkTeam(WorkQueue* threads, int64_t most)
    : threads_(threads), most_(threads == nullptr ? 0 : most) {
  if (most_ > 0) shared_ = std::make_shared<Shared>(most_);
}

WorkTeam::~WorkTeam() {
  if (shared_) shared_->closed = true;
}

void WorkTeam::AskForHelp() {
  for (int64_t i = 0; i < most_; ++i) {
    auto& present = shared_->present[static_cast<size_t>(i)];
    if (present.load(std::memory_order_acquire)) continue;
    present.store(true, std::memory_order_relaxed);
    if (threads_->TryPushToIdle(
            [shared = shared_, member = 1 + i, threads = threads_] { shared->Help(member, *threads); })) {
      continue;
    }
    present.store(false, std::memory_order_relaxed);
    return;
  }
}

void WorkTeam::Run(int64_t pieces, Piece run) {
  const auto is_here = [](const std::atomic<bool>& present) {
    return present.load(std::memory_order_relaxed);
  };
  if (!shared_ || pieces < 2 || std::none_of(shared_->present.begin(), shared_->present.end(), is_here)) {
    for (int64_t piece = 0; piece < pieces; ++piece) run(piece, 0);
    return;
  }
  shared_->pieces = pieces;
  shared_->run = &run;
  shared_->left.store(pieces, std::memory_order_release);
  helped_ += pieces;
  while (shared_->RunOne(0)) --helped_;
  for (int spins = 0; shared_->helped.load(std::memory_order_acquire) != helped_; ++spins) {
    spins < kSpins ? Pause() : std::this_thread::yield();
  }
}

}  // namespace mae
