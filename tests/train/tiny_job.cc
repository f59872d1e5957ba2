#include "tests/train/tiny_job.h"

#include <utility>

#include "base/durable_file.h"
#include "options/model_json.h"
#include "tests/fakes/dataset_files.h"
#include "train/job_recorder.h"
#include "train/train_job.h"

namespace mae {
namespace {

// The real database, looked over the shoulder.
class WatchedDb : public JobDbWriter {
 public:
  WatchedDb(std::unique_ptr<JobDbWriter> db, TinyJob::Watcher watcher)
      : db_(std::move(db)), watcher_(std::move(watcher)) {}

  absl::StatusOr<int64_t> Append(const decltype(JobEvent::event)& event) override {
    watcher_(event);
    return db_->Append(event);
  }
  absl::Status RewindTo(const CheckpointEvent& start) override { return db_->RewindTo(start); }

 private:
  std::unique_ptr<JobDbWriter> db_;
  TinyJob::Watcher watcher_;
};

EncoderOptions TinyEncoder() {
  EncoderOptions encoder;
  encoder.channels = 1;
  encoder.image_height = encoder.image_width = 12;
  encoder.patch_size = 4;
  encoder.embed_dim = 16;
  encoder.depth = 2;
  encoder.num_heads = 2;
  return encoder;
}

JobOptions TinyOptions(const std::filesystem::path& dataset) {
  JobOptions options;
  options.data.dataset = "gratings";
  options.data.format = "idx";
  options.data.path = dataset;
  options.data.batch_size = 16;
  options.data.mean = {0.5};
  options.data.std_dev = {0.25};
  options.optimizer.learning_rate = 3e-3;
  options.schedule.epochs = 2;
  options.schedule.warmup_epochs = 0.5;
  options.precision = Precision::kFp32;
  options.seed = 7;
  options.log_every_steps = 1;
  options.pictures = 2;
  options.threads = 1;
  options.device = "cpu";
  options.recipe = "tiny";
  return options;
}

}  // namespace

TinyJob::TinyJob() { WriteIdxDataset(root_ / "data", 72, 20, 12, 12, 4); }

JobOptions TinyJob::Pretrain() const {
  JobOptions options = TinyOptions(root_ / "data");
  options.kind = PretrainOptions{{TinyEncoder(), {16, 1, 2}, 0.5, false}};
  return options;
}

JobOptions TinyJob::Finetune() const {
  JobOptions options = TinyOptions(root_ / "data");
  options.kind = FinetuneOptions{{TinyEncoder(), 4, Pooling::kMean, 0.0}, "", ""};
  return options;
}

absl::StatusOr<JobState> TinyJob::Run(const JobOptions& options, const JobFolder& folder,
                                      int64_t stop_at_step, Watcher watcher) const {
  std::filesystem::create_directories(folder.root());
  std::atomic<bool> stop = false;
  WatchedDb db(JobDbWriter::Open(folder.database()).value(), [&](const auto& event) {
    const auto* metrics = std::get_if<MetricsEvent>(&event);
    if (stop_at_step > 0 && metrics != nullptr && metrics->step == stop_at_step) stop = true;
    if (watcher) watcher(event);
  });
  JobRecorder recorder(db, [](const LogEvent&) {});
  const auto result = RunTrainJob(options, folder, recorder, {}, stop);
  if (const auto end = RecordEnd(recorder, result); !end.ok()) return end.status();
  return result;
}

std::vector<MetricPoint> SeriesOf(const JobFolder& folder, const std::string& metric) {
  return JobDbReader::Open(folder.database()).value()->Series(metric, 100000).value();
}

std::vector<int64_t> StepsOf(const JobFolder& folder, const std::string& metric) {
  std::vector<int64_t> steps;
  for (const MetricPoint& point : SeriesOf(folder, metric)) steps.push_back(point.step);
  return steps;
}

ModelCard CardOf(const JobFolder& folder) {
  return ModelCardFromJson(ReadFile(folder.exported() / "card.json").value()).value();
}

}  // namespace mae
