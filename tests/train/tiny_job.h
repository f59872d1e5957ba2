#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "job/job_db.h"
#include "job/job_event.h"
#include "job/job_folder.h"
#include "options/model_card.h"
#include "options/train_options.h"
#include "tests/fakes/temp_folder.h"

namespace mae {

/// A job that trains within a second: a learnable IDX dataset of 12x12 images in four classes and models of a
/// few thousand weights. Owns a folder with all of it.
class TinyJob {
 public:
  /// Writes the dataset. 72 training images are 5 batches of 16, the last with 8; 20 validation images 2
  /// batches.
  TinyJob();

  JobOptions Pretrain() const;
  JobOptions Finetune() const;

  /// The folder of the job of this name, with nothing in it before its first run.
  JobFolder Folder(const std::string& name) const { return JobFolder(root_ / name); }
  const std::filesystem::path& root() const { return root_.path(); }

  /// Called for each event as it is recorded.
  using Watcher = std::function<void(const decltype(JobEvent::event)& event)>;

  /// Runs the job in the folder and records its end; `stop` is set as soon as that many steps of the job are
  /// recorded (needs log_every_steps = 1), 0: never.
  absl::StatusOr<JobState> Run(const JobOptions& options, const JobFolder& folder, int64_t stop_at_step = 0,
                               Watcher watcher = {}) const;

 private:
  TempFolder root_;
};

/// All events of one kind that a job recorded, in order.
template <typename Event>
std::vector<Event> EventsOf(const JobFolder& folder) {
  std::vector<Event> found;
  const auto reader = JobDbReader::Open(folder.database()).value();
  const std::vector<JobEvent> events = reader->EventsAfter(0, 100000).value();
  for (const JobEvent& event : events) {
    if (const auto* wanted = std::get_if<Event>(&event.event)) found.push_back(*wanted);
  }
  return found;
}

/// The points of a series.
std::vector<MetricPoint> SeriesOf(const JobFolder& folder, const std::string& metric);
/// Their steps.
std::vector<int64_t> StepsOf(const JobFolder& folder, const std::string& metric);

/// The card of the model that the job exported.
ModelCard CardOf(const JobFolder& folder);

}  // namespace mae
