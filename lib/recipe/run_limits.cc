#include "recipe/run_limits.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "options/metric_order.h"
#include "options/model_limits.h"
#include "recipe/augmentation_limits.h"
#include "recipe/from_model.h"
#include "recipe/recipe_defaults.h"

namespace mae {
namespace {

// A limit on how much of a split is used.
void CheckPart(const std::string& field, int64_t wanted, int64_t available, const DatasetInfo& dataset,
               ViolationList& violations) {
  if (wanted < 0 || wanted > available)
    violations.Add(field, absl::StrCat("is ", wanted, "; dataset ", dataset.name, " has ", available,
                                       " such images: use 1 to ", available, ", or 0 for all"));
}

void CheckBatch(const v1::DataSpec& data, const DatasetInfo& dataset, ViolationList& violations) {
  violations.Between("data.batch_size", int64_t{data.batch_size()}, 1, kMaxBatch);
  const int64_t images = data.train_images() > 0 ? data.train_images() : dataset.train_images;
  if (data.drop_last() && data.batch_size() > images)
    violations.Add("data.batch_size",
                   absl::StrCat("is ", data.batch_size(), "; with drop_last and ", images,
                                " training images an epoch would have no step: use at most ", images,
                                ", or drop_last false"));
}

void CheckNormalisation(const v1::DataSpec& data, const DatasetInfo& dataset, ViolationList& violations) {
  const auto check_size = [&](const char* field, int size) {
    if (size != dataset.channels)
      violations.Add(field, absl::StrCat("has ", size, " values; must have ", dataset.channels,
                                         ", a channel of dataset ", dataset.name,
                                         " each: or leave it unset for the dataset's own"));
  };
  check_size("data.mean", data.mean_size());
  check_size("data.std", data.std_size());
  for (const double value : data.std()) violations.Positive("data.std", value);
}

void CheckData(const v1::DataSpec& data, const DatasetInfo& dataset, ViolationList& violations) {
  if (data.dataset().empty())
    violations.Add("data.dataset", "is not set; must name a dataset: list-datasets shows those there are");
  if (dataset.train_images < 1)
    violations.Add("data.dataset", absl::StrCat("is ", data.dataset(), ", which has no training images"));
  CheckPart("data.train_images", data.train_images(), dataset.train_images, dataset, violations);
  CheckPart("data.validation_images", data.validation_images(), dataset.validation_images, dataset,
            violations);
  CheckBatch(data, dataset, violations);
  violations.Between("data.workers", int64_t{data.workers()}, 1, kMaxWorkers);
  violations.Between("data.cache_decoded_mib", int64_t{data.cache_decoded_mib()}, 0, kMaxCacheMib);
  CheckNormalisation(data, dataset, violations);
}

// A learning rate and a base learning rate may both be there, as in a resolved spec, if they agree.
void CheckBaseRate(const v1::JobSpec& spec, ViolationList& violations) {
  const auto& optimizer = spec.optimizer();
  violations.NotNegative("optimizer.base_learning_rate", optimizer.base_learning_rate());
  if (!(optimizer.base_learning_rate() > 0)) return;
  const double scaled = ScaledLearningRate(spec);
  if (std::abs(scaled - optimizer.learning_rate()) > 1e-9 * scaled)
    violations.Add("optimizer.base_learning_rate",
                   absl::StrCat("is ", optimizer.base_learning_rate(), ", which makes a learning_rate of ",
                                scaled, " for ", spec.data().batch_size(), " x ",
                                optimizer.accumulate_steps(), " images a step, but learning_rate is ",
                                optimizer.learning_rate(), ": give one of the two (0 takes the base away)"));
}

// What is refused is a job that would never step.
void CheckAccumulation(const v1::JobSpec& spec, const DatasetInfo& dataset, ViolationList& violations) {
  const std::string field = "optimizer.accumulate_steps";
  const int64_t steps = spec.optimizer().accumulate_steps(), batch = spec.data().batch_size();
  violations.Between(field, steps, 1, kMaxBatch);
  const int64_t images = spec.data().train_images() > 0 ? spec.data().train_images() : dataset.train_images;
  if (steps < 1 || batch < 1 || images < 1 || spec.schedule().epochs() < 1) return;
  const int64_t batches = spec.data().drop_last() ? images / batch : (images + batch - 1) / batch;
  const int64_t all = batches * spec.schedule().epochs();
  if (all >= 1 && steps > all)
    violations.Add(field, absl::StrCat("is ", steps, ", but the whole job has ", all, " batches (", batches,
                                       " an epoch), so that no step would ever be taken: use at most ", all));
}

void CheckLayerDecay(const v1::JobSpec& spec, ViolationList& violations) {
  const std::string field = "optimizer.layer_decay";
  const double decay = spec.optimizer().layer_decay();
  violations.Share(field, decay);
  if (decay != 1.0 && !spec.has_finetune())
    violations.Add(field, absl::StrCat("is ", decay, "; only fine-tuning has it: leave it out, or set 1"));
}

void CheckOptimizer(const v1::OptimizerSpec& optimizer, ViolationList& violations) {
  violations.Between("optimizer.momentum", optimizer.momentum(), 0.0, 1.0, /*below_high=*/true);
  violations.Positive("optimizer.trust_coefficient", optimizer.trust_coefficient());
  violations.Between("optimizer.ema_decay", optimizer.ema_decay(), 0.0, 1.0, /*below_high=*/true);
  violations.Positive("optimizer.learning_rate", optimizer.learning_rate());
  violations.Between("optimizer.beta1", optimizer.beta1(), 0.0, 1.0, /*below_high=*/true);
  violations.Between("optimizer.beta2", optimizer.beta2(), 0.0, 1.0, /*below_high=*/true);
  violations.Positive("optimizer.epsilon", optimizer.epsilon());
  violations.NotNegative("optimizer.weight_decay", optimizer.weight_decay());
  violations.NotNegative("optimizer.clip_grad_norm", optimizer.clip_grad_norm());
}

void CheckSchedule(const v1::ScheduleSpec& schedule, ViolationList& violations) {
  const int64_t epochs = schedule.epochs();
  violations.Between("schedule.epochs", epochs, 1, kMaxEpochs);
  violations.NotNegative("schedule.warmup_epochs", schedule.warmup_epochs());
  if (std::isfinite(schedule.warmup_epochs()) && epochs >= 1 &&
      schedule.warmup_epochs() > static_cast<double>(epochs))
    violations.Add("schedule.warmup_epochs", absl::StrCat("is ", schedule.warmup_epochs(),
                                                          "; must be at most schedule.epochs, ", epochs));
  violations.NotNegative("schedule.start_learning_rate", schedule.start_learning_rate());
  violations.NotNegative("schedule.end_learning_rate", schedule.end_learning_rate());
  violations.NotNegative("schedule.cosine_learning_rate", schedule.cosine_learning_rate());
  if (schedule.shape() != v1::SCHEDULE_SHAPE_CAPPED_COSINE) return;
  const auto check = [&](const char* field, double value) {
    if (value > 0)
      violations.Add(field, absl::StrCat("is ", value,
                                         ", but the shape capped_cosine warms up from 0 to the "
                                         "cosine: leave it out, or set 0"));
  };
  check("schedule.start_learning_rate", schedule.start_learning_rate());
  check("schedule.cosine_learning_rate", schedule.cosine_learning_rate());
}

bool IsName(const std::string& text) {
  const auto starts = [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); };
  const auto goes_on = [&](char c) { return starts(c) || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 63 && starts(text[0]) &&
         std::all_of(text.begin(), text.end(), goes_on);
}

void CheckName(const std::string& field, const std::string& name, ViolationList& violations) {
  if (!IsName(name))
    violations.Add(field, absl::StrCat("is \"", name,
                                       "\"; must be 1 to 63 of a-z, 0-9, '.', '_' and '-', "
                                       "starting with a letter or digit"));
}

void CheckAlias(const std::string& alias, std::set<std::string>& seen, ViolationList& violations) {
  const std::string field = "publish.aliases";
  CheckName(field, alias, violations);
  if (alias == "latest")
    violations.Add(field, "holds \"latest\", which always moves by itself: leave it out");
  if (!seen.insert(alias).second)
    violations.Add(field, absl::StrCat("holds \"", alias, "\" twice: leave one out"));
}

int ClassesOf(const v1::JobSpec& spec) {
  if (spec.has_finetune()) return spec.finetune().num_classes();
  return spec.has_linear_probe() ? spec.linear_probe().num_classes() : 0;
}

// What the job will know of its model to hold against that of another.
void CheckOnlyIfBetter(const v1::JobSpec& spec, const DatasetInfo& dataset, ViolationList& violations) {
  const std::string field = "publish.only_if_better";
  const std::string& metric = spec.publish().only_if_better();
  if (metric.empty()) return;
  const auto refuse = [&](const std::string& why) {
    violations.Add(field, absl::StrCat("is \"", metric, "\", ", why));
  };
  if (spec.publish().aliases().empty()) {
    refuse("but publish.aliases has none that could move: name one, or leave it out");
  }
  if (MetricOrderOf(metric) == MetricOrder::kNone) {
    return refuse("by which no version is better: must be accuracy, top5_accuracy or validation_loss");
  }
  if (dataset.validation_images == 0) {
    return refuse(absl::StrCat("which is measured on validation images, and dataset ", dataset.name,
                               " has none: leave it out"));
  }
  if (metric == "validation_loss" || !TrainsModel(spec)) return;
  if (ClassesOf(spec) == 0) {
    refuse(absl::StrCat("which a ", KindNameOf(spec), " does not measure: use validation_loss"));
  } else if (metric == "top5_accuracy" && ClassesOf(spec) <= 5) {
    refuse(absl::StrCat("which needs more than 5 classes, and the model has ", ClassesOf(spec),
                        ": use accuracy"));
  }
}

void CheckPublish(const v1::PublishSpec& publish, ViolationList& violations) {
  if (!publish.model().empty()) CheckName("publish.model", publish.model(), violations);
  if (publish.model().empty() && publish.aliases_size() > 0)
    violations.Add("publish.aliases", "is set without publish.model: name the model, or leave it out");
  if (publish.aliases_size() > kMaxAliases) {
    violations.Add("publish.aliases", absl::StrCat("has ", publish.aliases_size(), " names; at most ",
                                                   kMaxAliases, " are taken"));
    return;
  }
  std::set<std::string> seen;
  for (const auto& alias : publish.aliases()) CheckAlias(alias, seen, violations);
}

bool IsDevice(const std::string& device) {
  if (device == "auto" || device == "cpu" || device == "cuda") return true;
  const auto index = device.substr(std::min(device.size(), std::string("cuda:").size()));
  return absl::StartsWith(device, "cuda:") && !index.empty() && index.size() <= 3 &&
         std::all_of(index.begin(), index.end(), [](char c) { return absl::ascii_isdigit(c); });
}

void CheckProcesses(const v1::JobSpec& spec, ViolationList& violations) {
  const auto& resources = spec.resources();
  violations.Between("resources.processes", int64_t{resources.processes()}, 1, kMaxProcesses);
  violations.Between("resources.max_restarts", int64_t{resources.max_restarts()}, 0, kMaxRestarts);
  violations.Between("resources.rank_timeout_seconds", int64_t{resources.rank_timeout_seconds()}, 1,
                     kMaxRankTimeoutSeconds);
  if (resources.processes() <= 1) return;
  if (!TrainsModel(spec)) {
    violations.Add("resources.processes", absl::StrCat("is ", resources.processes(), ", but ",
                                                       KindNameOf(spec), " trains nothing: leave it out"));
  } else if (resources.processes() > spec.data().batch_size()) {
    violations.Add("resources.processes",
                   absl::StrCat("is ", resources.processes(), ", more than data.batch_size, ",
                                spec.data().batch_size(), ", has images for"));
  }
}

void CheckResources(const v1::ResourceSpec& resources, ViolationList& violations) {
  violations.Between("resources.threads", int64_t{resources.threads()}, 0, kMaxThreads);
  if (!IsDevice(resources.device()))
    violations.Add("resources.device", absl::StrCat("is \"", resources.device(),
                                                    "\"; must be auto, cpu, cuda or cuda:N, as cuda:0"));
}

void CheckCheckpoint(const v1::CheckpointSpec& checkpoint, ViolationList& violations) {
  violations.Between("checkpoint.every_epochs", int64_t{checkpoint.every_epochs()}, 1, kMaxEpochs);
  violations.Between("checkpoint.keep_last", int64_t{checkpoint.keep_last()}, 1, kMaxKeptCheckpoints);
  violations.Between("checkpoint.every_steps", int64_t{checkpoint.every_steps()}, 0, kMaxEverySteps);
  violations.Between("checkpoint.keep_every_epochs", int64_t{checkpoint.keep_every_epochs()}, 0, kMaxEpochs);
}

void CheckSafety(const v1::SafetySpec& safety, ViolationList& violations) {
  violations.Between("safety.skip_limit", int64_t{safety.skip_limit()}, 1, kMaxSkippedInRow);
  violations.Between("safety.rollback_limit", int64_t{safety.rollback_limit()}, 0, kMaxRollbacks);
  violations.Share("safety.rollback_learning_rate_factor", safety.rollback_learning_rate_factor());
}

}  // namespace

void CheckRun(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations) {
  CheckData(spec.data(), context.dataset, violations);
  CheckAugmentation(spec, violations);
  CheckOptimizer(spec.optimizer(), violations);
  CheckBaseRate(spec, violations);
  CheckAccumulation(spec, context.dataset, violations);
  CheckLayerDecay(spec, violations);
  CheckSchedule(spec.schedule(), violations);
  CheckCheckpoint(spec.checkpoint(), violations);
  CheckSafety(spec.safety(), violations);
  if (!TrainsModel(spec) && !spec.publish().model().empty())
    violations.Add("publish.model", absl::StrCat("is \"", spec.publish().model(), "\", but ",
                                                 KindNameOf(spec), " makes no model: leave it out"));
  CheckPublish(spec.publish(), violations);
  CheckOnlyIfBetter(spec, context.dataset, violations);
  CheckResources(spec.resources(), violations);
  CheckProcesses(spec, violations);
  violations.Between("logging.every_steps", int64_t{spec.logging().every_steps()}, 1, kMaxEverySteps);
  violations.Between("logging.histogram_every_epochs", int64_t{spec.logging().histogram_every_epochs()}, 0,
                     kMaxEpochs);
  violations.Between("logging.pictures", int64_t{spec.logging().pictures()}, 0, kMaxPictures);
}

}  // namespace mae
