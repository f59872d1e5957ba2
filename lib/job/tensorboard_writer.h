#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "job/job_event.h"
#include "job/job_folder.h"
#include "job/tensorboard_event.h"

namespace mae {

/// Writes what a job records as TensorBoard event files too, one file a run of the trainer: metrics as
/// scalars, pictures as images, histograms, and the job's settings as hyper-parameters. `tensorboard --logdir
/// JOB` reads them while they grow. They are a copy for people: losing the last seconds of one costs nothing,
/// so nothing here is synced. Not thread-safe.
class TensorboardWriter {
 public:
  /// Begins a file in the folder's tensorboard/. Errors of the disk.
  static absl::StatusOr<std::unique_ptr<TensorboardWriter>> Create(const JobFolder& folder);
  ~TensorboardWriter();
  TensorboardWriter(const TensorboardWriter&) = delete;
  TensorboardWriter& operator=(const TensorboardWriter&) = delete;

  /// The settings: the leaves of the spec in spec.json, by their dotted paths.
  /// @return INVALID_ARGUMENT if spec_json is no JSON.
  absl::Status Settings(const std::string& spec_json);

  /// The run goes on from `step`: what an earlier file has beyond it is void.
  absl::Status ResumeAt(int64_t step);

  /// Metrics, pictures and the success or failure of the job are written, other events passed over.
  absl::Status Write(const decltype(JobEvent::event)& event);

  absl::Status Write(int64_t step, const std::string& tag, const Histogram& histogram);

 private:
  TensorboardWriter(const JobFolder& folder, int fd) : folder_(folder), fd_(fd) {}
  absl::Status WriteMetrics(const MetricsEvent& event, absl::Time now);
  absl::Status WritePicture(const PictureEvent& event, absl::Time now);
  absl::Status Append(const std::string& records) const;

  const JobFolder folder_;
  const int fd_;
  int64_t step_ = 0;  ///< of the newest metrics: where a picture stands
};

}  // namespace mae
