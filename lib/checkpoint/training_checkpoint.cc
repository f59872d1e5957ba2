#include "checkpoint/training_checkpoint.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// JSON has no word for numbers that are not finite, and a diverging run has them.
json NumberJson(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double NumberFrom(const json& value) {
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return kInfinity;
  if (value == "-inf") return -kInfinity;
  return value.get<double>();
}

// nlohmann would cut 1.5 down to 1 and wrap a negative number.
template <typename Integer>
Integer WholeFrom(const json& object, const char* key) {
  const json& value = object.at(key);
  const bool fits =
      value.is_number_unsigned() ? value.get<uint64_t>() <= std::numeric_limits<Integer>::max() : false;
  if (!fits) throw std::invalid_argument(absl::StrCat(key, ": ", value.dump(), " is no whole number from 0"));
  return value.get<Integer>();
}

TrainingProgress ProgressFrom(const json& object) {
  TrainingProgress progress;
  progress.step = WholeFrom<int64_t>(object, "step");
  progress.epoch = WholeFrom<int64_t>(object, "epoch");
  progress.batch = WholeFrom<int64_t>(object, "batch");
  progress.seed = WholeFrom<uint64_t>(object, "seed");
  if (const json& best = object.at("best_metric"); !best.is_null()) progress.best_metric = NumberFrom(best);
  for (const auto& [name, value] : object.at("counters").items()) progress.counters[name] = NumberFrom(value);
  return progress;
}

NamedTensors CopyOf(const NamedTensors& tensors) {
  NamedTensors copies;
  copies.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto whole = tensor.detach().contiguous();
    copies.emplace_back(name, whole.to(torch::kCPU, /*non_blocking=*/false, /*copy=*/true));
  }
  return copies;
}

}  // namespace

absl::StatusOr<TrainingCheckpoint> CopyOf(const TrainingCheckpoint& checkpoint) {
  return CatchTorch("copying a checkpoint", [&] {
    return TrainingCheckpoint{CopyOf(checkpoint.model), CopyOf(checkpoint.optimizer), checkpoint.progress};
  });
}

std::string ProgressToJson(const TrainingProgress& progress) {
  json counters = json::object();
  for (const auto& [name, value] : progress.counters) counters[name] = NumberJson(value);
  const json object = {{"step", progress.step},
                       {"epoch", progress.epoch},
                       {"batch", progress.batch},
                       {"seed", progress.seed},
                       {"best_metric", progress.best_metric ? NumberJson(*progress.best_metric) : json()},
                       {"counters", counters}};
  return object.dump(2) + "\n";
}

absl::StatusOr<TrainingProgress> ProgressFromJson(const std::string& text) {
  try {
    return ProgressFrom(json::parse(text));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("state.json: ", error.what()));
  }
}

}  // namespace mae
