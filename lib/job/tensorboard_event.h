#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/time/time.h"

/// The records of TensorBoard's event files, as bytes. The messages are those of TensorFlow's event.proto and
/// summary.proto and of TensorBoard's hparams plugin, written field by field, since a trainer has no
/// protobuf. Pure functions; see docs/formats/tensorboard.md.
namespace mae {

/// How values are spread. Bucket i holds what is above limits[i - 1] and at most limits[i].
struct Histogram {
  double min = 0, max = 0, sum = 0, sum_squares = 0;
  double count = 0;             ///< values that are finite; the others are in no field
  std::vector<double> limits;   ///< upper ends, rising
  std::vector<double> buckets;  ///< one a limit

  bool operator==(const Histogram&) const = default;
};

/// A setting of the run, as the hparams page lists it.
using Hparam = std::variant<double, bool, std::string>;
using Hparams = std::map<std::string, Hparam>;

/// How a session of the hparams page ended; the numbers are the plugin's.
enum class SessionEnd { kSuccess = 1, kFailure = 2 };

/// A record of an event file: length, its checksum, the event, its checksum.
std::string TensorboardRecord(std::string_view event);

/// The first event of every file.
std::string FileVersionEvent(absl::Time time);
/// A resumed run begins: readers drop what an earlier file has from `step` on.
std::string SessionStartEvent(absl::Time time, int64_t step);
std::string ScalarEvent(absl::Time time, int64_t step, const std::string& tag, double value);
/// @param png whole, at least its header; its size is read from there.
std::string ImageEvent(absl::Time time, int64_t step, const std::string& tag, const std::string& png);
std::string HistogramEvent(absl::Time time, int64_t step, const std::string& tag, const Histogram& histogram);

/// The settings of a run and the metrics to set beside them.
std::vector<std::string> HparamsEvents(absl::Time time, const Hparams& hparams,
                                       const std::vector<std::string>& metric_tags);
std::string HparamsEndEvent(absl::Time time, SessionEnd end);

}  // namespace mae
