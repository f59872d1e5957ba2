#include "train/train_job.h"

#include <algorithm>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "checkpoint/model_folder.h"
#include "job/job_db.h"
#include "runtime/device.h"
#include "runtime/process_group.h"
#include "runtime/torch_status.h"
#include "train/epoch_picture.h"
#include "train/finetune_task.h"
#include "train/linear_probe_task.h"
#include "train/measure_job.h"
#include "train/pretrain_task.h"
#include "train/source_model.h"
#include "train/train_data.h"
#include "train/train_loop.h"
#include "train/train_state.h"

namespace mae {
namespace {

absl::StatusOr<std::unique_ptr<TrainTask>> MakeTask(const JobOptions& options, const TrainData& data,
                                                    const torch::Device& device, JobRecorder& recorder,
                                                    const std::atomic<bool>& stop) {
  if (options.is_pretrain()) return std::make_unique<PretrainTask>(options, data.labels, device);
  if (std::holds_alternative<LinearProbeOptions>(options.kind)) {
    const auto tell = [&](const PassProgress::Part& part) {
      recorder.Info(absl::StrFormat("the frozen encoder has looked at %d of %d images, %.0f images/s",
                                    part.done, part.images, part.images_per_second));
    };
    return LinearProbeTask::Create(options, data, device, tell, stop);
  }
  return FinetuneTask::Create(options, data.labels, device);
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

std::string Describe(const JobOptions& options, const TrainData& data, TrainTask& task,
                     const std::string& device, int64_t ranks) {
  return absl::StrCat(options.kind_name(), ": ", CountParameters(task.model()), " parameters, ",
                      data.train.count, " training and ", data.validation.count, " validation images of ",
                      options.data.dataset, ", ", options.precision == Precision::kBf16 ? "bf16" : "fp32",
                      " on ", device, ranks > 1 ? absl::StrCat(" by ", ranks, " processes") : "");
}

void WarnOfSlowBf16(const JobOptions& options, const std::string& device, JobRecorder& recorder) {
  if (options.precision != Precision::kBf16 || HasFastBf16(device)) return;
  recorder.Warning(
      "this CPU emulates bf16, many times slower than fp32; leave precision unset, or set it to fp32");
}

absl::Status MakeSamplesFolder(const JobFolder& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder.samples(), error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(folder.samples().string(), ": ", error.message()));
}

// The database and not this process knows the last values: the run may have been resumed after its last step.
absl::StatusOr<std::map<std::string, double>> LastMetrics(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(const auto reader, JobDbReader::Open(folder.database()));
  MAE_ASSIGN_OR_RETURN(JobSummary summary, reader->Summary());
  return std::move(summary.metrics.values);
}

absl::Status Export(const JobOptions& options, const JobFolder& folder, TrainTask& task) {
  ModelCard card;
  card.job = folder.root().filename().string();
  card.recipe = options.recipe;
  card.dataset = options.data.dataset;
  card.parent = options.from_model();
  MAE_ASSIGN_OR_RETURN(card.metrics, LastMetrics(folder));
  return WriteModelFolder(folder.exported(), task.model(), task.config(), std::move(card));
}

// Whether a picture can be drawn or not, training goes on.
void ShowRatios(TrainTask& task, const TrainData& data, const JobOptions& options, const JobFolder& folder,
                const std::string& device, const std::string& when, int64_t epoch, JobRecorder& recorder) {
  if (options.pictures == 0 || !task.draws()) return;
  const auto picture = WriteRatioPicture(task, data.validation, options, folder, device, when, epoch);
  if (picture.ok()) {
    recorder.Picture(*picture);
  } else {
    recorder.Error(absl::StrCat("no picture ", when, " training: ", picture.status().ToString()));
  }
}

absl::Status ExportOrSayWhatToDo(const JobOptions& options, const JobFolder& folder, TrainTask& task,
                                 int64_t saved_step) {
  const absl::Status exported = Export(options, folder, task);
  if (exported.ok()) return exported;
  const std::string from = saved_step > 0 ? absl::StrCat("goes on from its checkpoint of step ", saved_step)
                                          : "trains again from the beginning";
  return absl::Status(
      exported.code(),
      absl::StrCat("training ended well, but its model could not be written to ", folder.exported().string(),
                   ": ", std::string(exported.message()),
                   "; put that right (a full disk: make room), then resume the job, which ", from));
}

// The epochs of a job that trains, and its model.
absl::StatusOr<JobState> TrainEpochs(const JobOptions& options, const JobFolder& folder,
                                     const TrainData& data, JobRecorder& recorder, const std::string& device,
                                     ProcessGroup& group, const std::atomic<bool>& stop,
                                     int64_t profile_steps) {
  const auto task = MakeTask(options, data, device, recorder, stop);
  if (absl::IsCancelled(task.status())) return JobState::kStopped;
  MAE_RETURN_IF_ERROR(task.status());
  recorder.Info(Describe(options, data, **task, device, group.ranks()));
  MAE_ASSIGN_OR_RETURN(const auto state, TrainState::Open(options, folder, **task, recorder,
                                                          StepsPerEpoch(options, data), group));
  if (group.is_first() && state->progress().step == 0)
    ShowRatios(**task, data, options, folder, device, "before", 0, recorder);
  TrainLoop loop(options, folder, data, **task, *state, recorder, device, group, stop, profile_steps,
                 TrainStep::FormOf(torch::Device(device)));
  MAE_ASSIGN_OR_RETURN(const bool done, loop.Run());
  if (!done) return JobState::kStopped;
  if (!group.is_first()) return JobState::kSucceeded;
  const AveragedWeights averaged(state->ema());
  ShowRatios(**task, data, options, folder, device, "after", options.schedule.epochs, recorder);
  MAE_RETURN_IF_ERROR(ExportOrSayWhatToDo(options, folder, **task, state->saved_step()));
  recorder.Info(absl::StrCat("the model is in ", folder.exported().string()));
  return JobState::kSucceeded;
}

// The GPU of its number, where the job leaves that open, and its share of the processor.
absl::StatusOr<std::string> TakePlace(const JobOptions& options, const ProcessGroup& group) {
  MAE_ASSIGN_OR_RETURN(std::string device, ResolveDevice(options.device));
  const bool is_open = options.device == "auto" || options.device == "cuda";
  if (is_open && device != "cpu" && group.place().local_ranks > 1) {
    MAE_ASSIGN_OR_RETURN(device, ResolveDevice(absl::StrCat("cuda:", group.place().local_rank)));
  }
  const int64_t threads = options.threads > 0 ? options.threads : UsableCores();
  SetComputeThreads(std::max<int64_t>(threads / group.place().local_ranks, 1));
  return device;
}

absl::StatusOr<JobState> Run(const JobOptions& asked, const JobFolder& folder, JobRecorder& recorder,
                             ProcessGroup& group, const std::atomic<bool>& stop, int64_t profile_steps) {
  MAE_RETURN_IF_ERROR(recorder.State(JobState::kRunning));
  // Data and weights may take minutes to load; there is nothing to keep before the first step.
  if (group.Any(stop)) return JobState::kStopped;
  if (!asked.trains() && group.ranks() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("WORLD_SIZE: is ", group.ranks(), ", but a job of kind ",
                                                   asked.kind_name(), " trains nothing: start one process"));
  }
  MAE_RETURN_IF_ERROR(MakeSamplesFolder(folder));
  MAE_ASSIGN_OR_RETURN(const JobOptions options, WithSourceModel(asked));
  MAE_ASSIGN_OR_RETURN(const std::string device, TakePlace(options, group));
  MAE_ASSIGN_OR_RETURN(const TrainData data, LoadTrainData(options));
  if (group.Any(stop)) return JobState::kStopped;
  WarnOfSlowBf16(options, device, recorder);
  if (options.trains())
    return TrainEpochs(options, folder, data, recorder, device, group, stop, profile_steps);
  if (profile_steps > 0) recorder.Warning("no profile: this kind of job trains nothing");
  return RunMeasurement(options, folder, data, recorder, device, stop);
}

}  // namespace

absl::StatusOr<JobState> RunTrainJob(const JobOptions& options, const JobFolder& folder,
                                     JobRecorder& recorder, const RankPlace& place,
                                     const std::atomic<bool>& stop, int64_t profile_steps) {
  return CatchTorch(options.kind_name(), [&]() -> absl::StatusOr<JobState> {
    const auto group = ProcessGroup::Join(place, absl::Seconds(options.rank_timeout_seconds), stop);
    if (absl::IsCancelled(group.status())) return JobState::kStopped;
    if (!group.ok()) return group.status();
    return Run(options, folder, recorder, **group, stop, profile_steps);
  });
}

absl::StatusOr<JobState> RecordEnd(JobRecorder& recorder, const absl::StatusOr<JobState>& result) {
  const JobState state = result.ok() ? *result : JobState::kFailed;
  MAE_RETURN_IF_ERROR(recorder.State(state, result.status()));
  return state;
}

}  // namespace mae
