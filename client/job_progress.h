#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "mae/v1/job.pb.h"

namespace mae {

/// The share of time that a job's training waited for its data since the metrics before, of its counters and
/// its rate: no clock of another machine takes part. A value type.
class DataWait {
 public:
  void Add(const v1::JobEvent::Metrics& metrics);

  /// "waits for data 12 %"; empty below 1 %, and where metrics do not tell.
  std::string Text() const;

 private:
  double images_ = 0, seconds_ = 0;  // until the newest metrics
  double share_ = 0;
};

/// What is known of a job from the events seen so far. A value type.
class JobProgress {
 public:
  /// Takes in one event; `now` is when it came (the server's clock may differ).
  void Add(const v1::JobEvent& event, absl::Time now);

  v1::Job::State state() const { return state_; }
  bool ended() const;
  const google::rpc::Status& error() const { return error_; }
  const std::string& published_version() const { return published_version_; }
  /// Of the aliases that it was to move, in the job's order.
  const std::vector<v1::AliasMove>& alias_moves() const { return alias_moves_; }
  const v1::JobEvent::Metrics& metrics() const { return metrics_; }        ///< newest step and epoch
  const std::map<std::string, double>& newest() const { return newest_; }  ///< newest value of each metric
  const std::vector<double>& losses() const { return losses_; }            ///< thinned to at most 4096
  int64_t checkpoint_step() const { return checkpoint_step_; }             ///< 0: none
  const DataWait& data_wait() const { return data_wait_; }
  double fraction() const;  ///< of the steps, 0 to 1
  /// Time to the end as the trainer last said, less what has passed; negative if unknown.
  absl::Duration Eta(absl::Time now) const;

 private:
  void AddMetrics(const v1::JobEvent::Metrics& metrics, absl::Time now);

  v1::Job::State state_ = v1::Job::STATE_UNSPECIFIED;
  google::rpc::Status error_;
  std::string published_version_;
  std::vector<v1::AliasMove> alias_moves_;
  v1::JobEvent::Metrics metrics_;
  std::map<std::string, double> newest_;
  std::vector<double> losses_;
  int64_t checkpoint_step_ = 0;
  absl::Time metrics_time_;
  DataWait data_wait_;
};

/// STOPPED, SUCCEEDED, FAILED.
bool IsEnded(v1::Job::State state);

/// "loss 0.2312  lr 0.0011  1,712 images/s": those of `values` that are there, known ones first, in a fixed
/// order; counters (x_total) that are 0 are left out.
std::string MetricsText(const std::map<std::string, double>& values);

/// "production moved: accuracy 0.91 beats 0.89 of version 3".
std::string AliasMoveText(const v1::AliasMove& move);

/// What a job that makes no model has found, a line a metric: accuracies, loss, then the accuracy of each
/// class.
std::vector<std::string> ResultLines(const std::map<std::string, double>& values);

}  // namespace mae
