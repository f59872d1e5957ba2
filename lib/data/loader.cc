#include "data/loader.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <numeric>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/joined_thread.h"
#include "data/byte_batch.h"

namespace mae {
namespace {

LoaderOptions Checked(LoaderOptions options) {
  TORCH_CHECK(options.batch_size >= 1, "batch_size must be at least 1, but is ", options.batch_size);
  TORCH_CHECK(options.workers >= 1, "workers must be at least 1, but is ", options.workers);
  TORCH_CHECK(options.rank >= 0 && options.rank < options.ranks, "rank must be in 0 .. ", options.ranks - 1,
              ", but is ", options.rank);
  TORCH_CHECK(options.queue_batches >= 1, "queue_batches must be at least 1, but is ", options.queue_batches);
  return options;
}

Batch PageLocked(Batch batch) {
  for (torch::Tensor* tensor : {&batch.images, &batch.labels, &batch.cuts}) {
    if (tensor->defined()) *tensor = tensor->pin_memory();
  }
  return batch;
}

// An epoch as its workers see it; immutable, so a worker can finish a batch of an epoch that was dropped.
struct Epoch {
  int64_t number = 0;
  std::vector<int64_t> order;
};

}  // namespace

// Workers claim batch numbers in order, never more than queue_batches ahead of the consumer, and put what
// they made into `ready_`, from where the consumer takes them in order.
class Loader::Impl {
 public:
  Impl(const ImageSet& images, LoaderOptions options)
      : images_(images),
        options_(Checked(std::move(options))),
        maker_(images, options_.mean, options_.std_dev, options_.transform) {
    if (options_.bytes) byte_maker_.emplace(images, options_.transform);
  }

  ~Impl() {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;  // workers_ joins once the lock is gone
  }

  // Apart from the constructor, so that the destructor stops those that run if one more cannot be had.
  void StartWorkers() {
    for (int64_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { Work(); });
  }

  void StartEpoch(int64_t number, int64_t first_batch) ABSL_LOCKS_EXCLUDED(mutex_) {
    TORCH_CHECK(first_batch >= 0 && first_batch <= num_batches(), "first_batch must be in 0 .. ",
                num_batches(), ", but is ", first_batch);
    auto epoch = std::make_shared<const Epoch>(Epoch{number, Order(number)});
    absl::MutexLock lock(&mutex_);
    epoch_ = std::move(epoch);
    ready_.clear();
    next_claim_ = next_delivery_ = first_batch;
  }

  std::optional<Batch> Next() ABSL_LOCKS_EXCLUDED(mutex_) {
    Made made = TakeNext();
    if (made.error) std::rethrow_exception(made.error);
    return std::move(made.batch);
  }

  int64_t num_batches() const {
    const int64_t whole = images_.count / options_.batch_size;
    return options_.drop_last || images_.count % options_.batch_size == 0 ? whole : whole + 1;
  }

  int64_t images_in(int64_t batch) const {
    return std::min(options_.batch_size, images_.count - batch * options_.batch_size);
  }

  double wait_seconds() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return wait_seconds_;
  }

 private:
  struct Claim {
    std::shared_ptr<const Epoch> epoch;
    int64_t batch;
  };
  struct Made {
    std::optional<Batch> batch;
    std::exception_ptr error;
  };

  std::vector<int64_t> Order(int64_t epoch) const {
    if (options_.shuffle) return EpochOrder(images_.count, options_.seed, epoch);
    std::vector<int64_t> order(images_.count);
    std::iota(order.begin(), order.end(), int64_t{0});
    return order;
  }

  void Work() {
    while (const std::optional<Claim> claim = ClaimNext()) Deliver(*claim, Make(*claim));
  }

  bool CanClaimOrMustStop() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || (epoch_ != nullptr && next_claim_ < num_batches() &&
                         next_claim_ < next_delivery_ + options_.queue_batches);
  }

  std::optional<Claim> ClaimNext() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &Impl::CanClaimOrMustStop));
    if (stopping_) return std::nullopt;
    return Claim{epoch_, next_claim_++};
  }

  Made Make(const Claim& claim) const {
    const int64_t size = images_in(claim.batch);
    const int64_t begin = size * options_.rank / options_.ranks,
                  end = size * (options_.rank + 1) / options_.ranks;
    try {
      const auto indices = absl::MakeSpan(claim.epoch->order)
                               .subspan(claim.batch * options_.batch_size, size)
                               .subspan(begin, std::max<int64_t>(end - begin, 1));
      Batch batch = byte_maker_ ? byte_maker_->Make(indices, claim.epoch->number)
                                : maker_.Make(indices, claim.epoch->number);
      batch.share = static_cast<double>(end - begin) / static_cast<double>(size);
      return {options_.page_locked ? PageLocked(std::move(batch)) : std::move(batch), nullptr};
    } catch (...) {  // the consumer gets it: here it would end the process
      return {std::nullopt, std::current_exception()};
    }
  }

  void Deliver(const Claim& claim, Made made) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (claim.epoch == epoch_) ready_.emplace(claim.batch, std::move(made));
  }

  bool NextIsReady() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !ready_.empty() && ready_.begin()->first == next_delivery_;
  }

  Made TakeNext() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (epoch_ == nullptr || next_delivery_ == num_batches()) return {};
    const auto start = std::chrono::steady_clock::now();
    mutex_.Await(absl::Condition(this, &Impl::NextIsReady));
    wait_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    Made made = std::move(ready_.begin()->second);
    ready_.erase(ready_.begin());
    ++next_delivery_;
    return made;
  }

  const ImageSet& images_;
  const LoaderOptions options_;
  const BatchMaker maker_;
  std::optional<ByteBatchMaker> byte_maker_;  // where batches are to be bytes
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const Epoch> epoch_ ABSL_GUARDED_BY(mutex_);  // null before the first
  int64_t next_claim_ ABSL_GUARDED_BY(mutex_) = 0, next_delivery_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int64_t, Made> ready_ ABSL_GUARDED_BY(mutex_);  // by batch number
  double wait_seconds_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<JoinedThread> workers_;
};

Loader::Loader(const ImageSet& images, LoaderOptions options)
    : impl_(std::make_unique<Impl>(images, std::move(options))) {
  impl_->StartWorkers();
}
Loader::~Loader() = default;

void Loader::StartEpoch(int64_t epoch, int64_t first_batch) { impl_->StartEpoch(epoch, first_batch); }
std::optional<Batch> Loader::Next() { return impl_->Next(); }
int64_t Loader::num_batches() const { return impl_->num_batches(); }
int64_t Loader::images_in(int64_t batch) const { return impl_->images_in(batch); }
double Loader::wait_seconds() const { return impl_->wait_seconds(); }

}  // namespace mae
