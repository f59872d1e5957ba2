#include "serving/batch_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/catch_all.h"

namespace mae {

struct BatchQueue::Request {
  const int64_t kind;
  std::vector<float> values;
  const int64_t images;
  const RequestContext& context;
  const std::function<void()>* alone = nullptr;  ///< not null: this instead of the model
  const absl::Time came = absl::Now();

  bool waits = true;  ///< in the queue
  bool done = false;
  absl::StatusOr<Rows> rows = absl::InternalError("not run");
  absl::CondVar changed{};
};

namespace {

// How much the newest batch counts in what an image is expected to take.
constexpr double kNewest = 0.2;
// What is left of that when a request was turned away by it: a slow start must not turn away for ever.
constexpr double kAfterRefusal = 0.9;

}  // namespace

/// Lives for as long as the queue or work of it on the threads.
struct BatchQueue::State : std::enable_shared_from_this<BatchQueue::State> {
  State(BatchOptions given, WorkQueue& runners, Forward model, std::function<void(const BatchRecord&)> told)
      : options(std::move(given)), threads(runners), forward(std::move(model)), record(std::move(told)) {}

  using Batch = std::vector<Request*>;

  absl::StatusOr<Rows> Run(Request& request);
  void Insert(Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Remove(Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Answer(Request& request, absl::StatusOr<Rows> rows) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  /// Sees to it that a thread comes for what waits.
  void CallThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  /// On a thread: one batch.
  void RunOne() ABSL_LOCKS_EXCLUDED(mutex);
  void WaitForMore() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  /// Images that a batch doesn't wait any longer with.
  int64_t Enough() const { return options.preferred.empty() ? options.max_batch : options.preferred.front(); }
  /// The most images of a batch that begins with `first`.
  int64_t Room(const Request& first) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  int64_t ImagesLike(const Request& first) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  static bool Share(const Request& request, const Request& first);
  Batch TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  /// @param images of the batch that it would be in.
  bool IsInVain(Request& request, int64_t images) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::StatusOr<Rows> Forwarded(const Batch& batch) const;
  absl::StatusOr<Rows> InParts(int64_t kind, std::vector<float>& values, int64_t images) const;
  void AnswerAll(const Batch& batch, absl::StatusOr<Rows> rows) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const BatchOptions options;
  WorkQueue& threads;
  const Forward forward;
  const std::function<void(const BatchRecord&)> record;

  absl::Mutex mutex;
  absl::CondVar came;
  std::list<Request*> waiting ABSL_GUARDED_BY(mutex);  ///< in the order of their turns
  int64_t queued ABSL_GUARDED_BY(mutex) = 0;           ///< images of `waiting`
  int64_t called ABSL_GUARDED_BY(mutex) = 0;           ///< threads that come, or run a batch
  absl::Duration expected ABSL_GUARDED_BY(mutex);      ///< of one image in a batch
};

BatchQueue::BatchQueue(BatchOptions options, WorkQueue& threads, Forward forward,
                       std::function<void(const BatchRecord&)> record)
    : state_(std::make_shared<State>(std::move(options), threads, std::move(forward), std::move(record))) {}

BatchQueue::~BatchQueue() = default;

absl::StatusOr<BatchQueue::Rows> BatchQueue::Run(int64_t kind, std::vector<float> values, int64_t images,
                                                 const RequestContext& context) {
  Request request{.kind = kind, .values = std::move(values), .images = images, .context = context};
  return state_->Run(request);
}

bool BatchQueue::Waits(int64_t requests) const {
  const absl::MutexLock lock(&state_->mutex);
  return static_cast<int64_t>(state_->waiting.size()) >= requests;
}

absl::Status BatchQueue::RunAlone(const std::function<void()>& work, int64_t images,
                                  const RequestContext& context) {
  Request request{.kind = 0, .values = {}, .images = images, .context = context, .alone = &work};
  return state_->Run(request).status();
}

absl::StatusOr<BatchQueue::Rows> BatchQueue::State::Run(Request& request) {
  const absl::MutexLock lock(&mutex);
  if (queued > 0 && queued + request.images > options.max_queued) {
    return absl::ResourceExhaustedError(absl::StrCat(queued, " images wait for this model, and ",
                                                     options.max_queued, " may; try again later"));
  }
  Insert(request);
  CallThread();
  while (!request.done) {
    const bool too_late = request.changed.WaitWithDeadline(
        &mutex, request.waits ? request.context.deadline : absl::InfiniteFuture());
    if (!too_late || request.done || !request.waits) continue;
    Remove(request);
    return absl::DeadlineExceededError("the deadline passed while the request waited for the model");
  }
  return std::move(request.rows);
}

void BatchQueue::State::Insert(Request& request) {
  const auto behind = std::find_if(waiting.rbegin(), waiting.rend(), [&](const Request* other) {
    return other->context.priority <= request.context.priority;
  });
  waiting.insert(behind.base(), &request);
  queued += request.images;
  came.SignalAll();
}

void BatchQueue::State::Remove(Request& request) {
  waiting.remove(&request);
  queued -= request.images;
  request.waits = false;
}

void BatchQueue::State::Answer(Request& request, absl::StatusOr<Rows> rows) {
  request.rows = std::move(rows);
  request.done = true;
  request.changed.Signal();
}

void BatchQueue::State::CallThread() {
  if (waiting.empty() || called == options.max_running) return;
  if (threads.TryPush([self = shared_from_this()] { self->RunOne(); })) {
    ++called;
  } else if (called == 0) {
    while (!waiting.empty()) {
      Request& request = *waiting.front();
      Remove(request);
      Answer(request,
             absl::ResourceExhaustedError("every thread that runs models has work waiting; try again later"));
    }
  }
}

void BatchQueue::State::RunOne() {
  mutex.Lock();
  WaitForMore();
  const Batch batch = TakeBatch();
  mutex.Unlock();
  const absl::Time began = absl::Now();
  absl::StatusOr<Rows> rows = Rows();
  // Caught here, since those of the batch wait for an answer.
  if (!batch.empty()) rows = CatchAll("the model", [&] { return Forwarded(batch); });
  BatchRecord told;
  told.ran = absl::Now() - began;
  for (const Request* request : batch) {
    told.images += request->images;
    told.requests += 1;
    told.queued = std::max(told.queued, began - request->came);
    told.queued_together += began - request->came;
  }
  if (record && !batch.empty()) record(told);
  mutex.Lock();
  if (told.images > 0) {
    const absl::Duration newest = told.ran / told.images;
    expected += (newest - expected) * (expected == absl::ZeroDuration() ? 1.0 : kNewest);
  }
  AnswerAll(batch, std::move(rows));
  --called;
  CallThread();
  mutex.Unlock();
}

// Until the batch is full, or the first of it has waited long enough.
void BatchQueue::State::WaitForMore() {
  while (!waiting.empty()) {
    const Request& first = *waiting.front();
    if (first.alone != nullptr) return;
    const absl::Time until =
        std::min(first.came + options.max_delay, first.context.deadline - expected * first.images);
    if (ImagesLike(first) >= Enough() || absl::Now() >= until) return;
    came.WaitWithDeadline(&mutex, until);
  }
}

int64_t BatchQueue::State::ImagesLike(const Request& first) const {
  int64_t images = 0;
  for (const Request* request : waiting) images += Share(*request, first) ? request->images : 0;
  return images;
}

int64_t BatchQueue::State::Room(const Request& first) const {
  const auto above = std::upper_bound(options.preferred.begin(), options.preferred.end(), ImagesLike(first));
  return above == options.preferred.begin() ? options.max_batch : *std::prev(above);
}

// The first that waits, and those of its kind that fit beside it.
BatchQueue::State::Batch BatchQueue::State::TakeBatch() {
  Batch batch;
  int64_t images = 0;
  int64_t room = 0;
  for (auto it = waiting.begin(); it != waiting.end();) {
    Request& request = **it++;  // Before it is removed.
    if (!batch.empty() && (!Share(request, *batch[0]) || images + request.images > room)) continue;
    if (IsInVain(request, images + request.images)) continue;
    if (batch.empty()) room = Room(request);
    Remove(request);
    batch.push_back(&request);
    images += request.images;
  }
  return batch;
}

bool BatchQueue::State::Share(const Request& request, const Request& first) {
  return request.kind == first.kind && request.alone == nullptr && first.alone == nullptr;
}

// Answers a request that nobody waits for any more, or not for as long as the model takes.
bool BatchQueue::State::IsInVain(Request& request, int64_t images) {
  const bool is_cancelled = request.context.is_cancelled && request.context.is_cancelled();
  const absl::Duration takes = expected * images;
  if (!is_cancelled && absl::Now() + takes <= request.context.deadline) return false;
  Remove(request);
  if (is_cancelled) {
    Answer(request, absl::CancelledError("the caller has gone"));
  } else {
    expected *= kAfterRefusal;
    Answer(request, absl::DeadlineExceededError(
                        absl::StrCat("the deadline comes before the model could answer, which takes some ",
                                     absl::FormatDuration(absl::Trunc(takes, absl::Milliseconds(1))))));
  }
  return true;
}

absl::StatusOr<BatchQueue::Rows> BatchQueue::State::Forwarded(const Batch& batch) const {
  if (batch[0]->alone != nullptr) {
    (*batch[0]->alone)();
    return Rows(static_cast<size_t>(batch[0]->images));
  }
  if (batch.size() == 1) return InParts(batch[0]->kind, batch[0]->values, batch[0]->images);
  std::vector<float> values;
  int64_t images = 0;
  size_t size = 0;
  for (const Request* request : batch) size += request->values.size();
  values.reserve(size);
  for (const Request* request : batch) {
    values.insert(values.end(), request->values.begin(), request->values.end());
    images += request->images;
  }
  return forward(batch[0]->kind, values, images);
}

absl::StatusOr<BatchQueue::Rows> BatchQueue::State::InParts(int64_t kind, std::vector<float>& values,
                                                            int64_t images) const {
  if (images <= options.max_batch) return forward(kind, values, images);
  const auto image_values = static_cast<int64_t>(values.size()) / images;
  Rows rows;
  for (int64_t first = 0; first < images; first += options.max_batch) {
    const int64_t count = std::min(options.max_batch, images - first);
    const auto begin = values.begin() + first * image_values;
    std::vector<float> part(begin, begin + count * image_values);
    auto some = forward(kind, part, count);
    if (!some.ok()) return some;
    std::move(some->begin(), some->end(), std::back_inserter(rows));
  }
  return rows;
}

void BatchQueue::State::AnswerAll(const Batch& batch, absl::StatusOr<Rows> rows) {
  auto next = rows.ok() ? rows->begin() : Rows::iterator();
  for (Request* request : batch) {
    if (!rows.ok()) {
      Answer(*request, rows.status());
      continue;
    }
    const auto end = next + request->images;
    Answer(*request, Rows(std::move_iterator(next), std::move_iterator(end)));
    next = end;
  }
}

}  // namespace mae
