#pragma once

#include <filesystem>
#include <string>

#include "base/durable_file.h"
#include "options/model_json.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/tiny_job.h"

namespace mae {

/// Jobs over a model that a tiny pretraining made. Owns a TinyJob and runs the pretraining first.
class ProbeJob {
 public:
  explicit ProbeJob(int64_t pretrain_epochs = 2) {
    JobOptions options = job_.Pretrain();
    options.schedule.epochs = pretrain_epochs;
    options.pictures = 0;
    EXPECT_THAT(job_.Run(options, pretrained()), IsOkAndHolds(JobState::kSucceeded));
  }

  JobFolder pretrained() const { return job_.Folder("pretrained"); }
  const TinyJob& job() const { return job_; }

  /// A job of that kind on the data of TinyJob, from a model's folder.
  template <typename Kind>
  JobOptions Of(Kind kind, const std::filesystem::path& weights) const {
    JobOptions options = job_.Pretrain();
    kind.from_model = "models/tiny/versions/1";
    kind.from_weights = weights;
    options.kind = std::move(kind);
    return options;
  }

  JobOptions LinearProbe(Pooling pooling = Pooling::kToken) const {
    LinearProbeOptions probe;
    probe.model.num_classes = 4;
    probe.model.pooling = pooling;
    auto options = Of(probe, pretrained().exported());
    options.optimizer.algorithm = OptimizerAlgorithm::kLars;
    options.optimizer.weight_decay = 0.0;
    options.optimizer.learning_rate = 0.3;
    return options;
  }

  ModelConfig ConfigOf(const JobFolder& folder) const {
    return ModelConfigFromJson(ReadFile(folder.exported() / "config.json").value()).value();
  }

 private:
  TinyJob job_;
};

}  // namespace mae
