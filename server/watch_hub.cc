#include "server/watch_hub.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/catch_all.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "server/job_manager.h"
#include "server/job_to_proto.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

// Events read at a time, or fewer once they have so much of pictures: what one slow stream may hold in
// memory, with the last picture on top.
constexpr int64_t kPage = 16;
constexpr int64_t kPagePictureBytes = 1 << 20;
constexpr absl::Duration kRetryDelay = absl::Seconds(5);
constexpr int64_t kMaxPictureBytes = 16 << 20;
constexpr int64_t kEnvelopeBytes = 64 << 10;  // what else an event with a picture has

// A picture that has gone, is larger or lies outside of the folder is shown without its bytes.
void AddPng(const JobFolder& folder, int64_t max_bytes, v1::JobEvent& event) {
  if (!event.has_picture()) return;
  const std::filesystem::path path = std::filesystem::path(event.picture().path()).lexically_normal();
  if (path.is_absolute() || path.empty() || *path.begin() == "..") return;
  auto png = ReadFile(folder.root() / path, max_bytes);
  if (png.ok()) event.mutable_picture()->set_png(*std::move(png));
}

absl::Status TooManyWatches(size_t limit) {
  return WithRetryDelay(
      absl::ResourceExhaustedError(
          absl::StrCat(limit, " streams watch jobs already (jobs.max_watches); ask with get-job meanwhile")),
      kRetryDelay);
}

}  // namespace

WatchHub::WatchHub(JobLedger& ledger, JobTable& table, const Limits& limits, absl::Duration interval)
    : ledger_(ledger), table_(table), limits_(limits), interval_(interval) {
  thread_ = JoinedThread([this] { Loop(); });
}

WatchHub::~WatchHub() {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    destroyed_ = true;
  }
  thread_.Join();
}

grpc::ServerWriteReactor<v1::JobEvent>* WatchHub::Watch(const std::string& name, int64_t after_sequence) {
  const std::shared_ptr<JobWatch> watch = JobWatch::Create([this] { Poke(); });
  Stream stream;
  stream.watch = watch;
  stream.name = name;
  stream.after = std::max<int64_t>(after_sequence, 0);
  {
    absl::MutexLock lock(&mutex_);
    if (added_.size() + fed_ < limits_.streams) {
      added_.push_back(std::move(stream));
      poked_ = true;
      return watch.get();
    }
  }
  watch->End(TooManyWatches(limits_.streams));
  return watch.get();
}

void WatchHub::Poke() {
  absl::MutexLock lock(&mutex_);
  poked_ = true;
}

void WatchHub::Close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  poked_ = true;
}

bool WatchHub::WaitForWork() {
  absl::MutexLock lock(&mutex_);
  fed_ = streams_.size();
  const auto poked = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return poked_ || destroyed_; };
  mutex_.AwaitWithTimeout(absl::Condition(&poked), streams_.empty() ? absl::InfiniteDuration() : interval_);
  poked_ = false;
  std::move(added_.begin(), added_.end(), std::back_inserter(streams_));
  added_.clear();
  fed_ = streams_.size();
  return !destroyed_;
}

void WatchHub::Loop() {
  while (WaitForWork()) {
    streams_.erase(
        std::remove_if(streams_.begin(), streams_.end(), [&](Stream& stream) { return !Feed(stream); }),
        streams_.end());
  }
}

bool WatchHub::Feed(Stream& stream) {
  const std::shared_ptr<JobWatch> watch = stream.watch.lock();
  if (watch == nullptr) return false;
  bool closed;
  {
    absl::MutexLock lock(&mutex_);
    closed = closed_;
  }
  if (closed) {
    watch->End(absl::UnavailableError(absl::StrCat("the server shuts down; watch ", stream.name,
                                                   " again with after_sequence=", stream.after,
                                                   " or the last event you saw")));
    return false;
  }
  if (!watch->Hungry()) return true;
  bool has_ended = false;
  auto events = CatchAll("watching", [&] { return Look(stream, has_ended); });
  if (!events.ok()) {
    watch->End(events.status());
    return false;
  }
  if (events->empty() && has_ended) {
    watch->End(absl::OkStatus());
    return false;
  }
  watch->Send(*std::move(events));
  return true;
}

// The row is read before the events, so that events which its end tells of are not missed.
absl::StatusOr<std::vector<v1::JobEvent>> WatchHub::Look(Stream& stream, bool& has_ended) {
  MAE_ASSIGN_OR_RETURN(const std::string id, JobIdOf(stream.name));
  MAE_ASSIGN_OR_RETURN(const JobRecord record, table_.Find(id));
  has_ended = IsEnded(record.state);
  const JobFolder folder = ledger_.Folder(id);
  if (stream.reader == nullptr) {
    MAE_ASSIGN_OR_RETURN(stream.reader, JobDbReader::Open(folder.database()));
  }
  MAE_ASSIGN_OR_RETURN(const std::vector<JobEvent> events, stream.reader->EventsAfter(stream.after, kPage));
  const EventView view{record};
  const int64_t largest = std::min(kMaxPictureBytes, limits_.message_bytes - kEnvelopeBytes);
  std::vector<v1::JobEvent> shown;
  size_t picture_bytes = 0;
  for (const JobEvent& event : events) {
    if (view.Holds(event) || picture_bytes >= kPagePictureBytes) break;
    shown.push_back(view.Show(event));
    AddPng(folder, largest, shown.back());
    picture_bytes += shown.back().picture().png().size();
    stream.after = event.sequence;
  }
  return shown;
}

}  // namespace mae
