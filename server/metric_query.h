#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "job/job_db.h"
#include "mae/v1/job.pb.h"

/// Metric series of a job for QueryMetrics, within bounds: a short request must not make a large answer.
namespace mae {

inline constexpr int kMaxQueriedMetrics = 100;          ///< several times what a job has
inline constexpr int64_t kMaxAnsweredPoints = 300'000;  ///< 30 series of the most points that one may have
inline constexpr int64_t kAnsweredBytesPerPoint = 48;   ///< a point takes no more on the wire

/// How many points of all series an answer may have: at most kMaxAnsweredPoints, and no more than fit in a
/// message of so many bytes. Pure.
int64_t AnsweredPoints(int64_t max_message_bytes);

/// Answers a request from the job's database; names are known. Blocks on the disk. Thread-safe if the reader
/// is the caller's own.
/// @param max_points of all series together. @param is_cancelled is asked before each series.
/// @return INVALID_ARGUMENT with the field for a metric that is there twice, for too many of them, for
/// max_points below 0, and where series x max_points are more than the answer may have; NOT_FOUND for a
/// metric that the job has not; CANCELLED.
absl::Status AnswerMetrics(const v1::QueryMetricsRequest& request, JobDbReader& reader, int64_t max_points,
                           const std::function<bool()>& is_cancelled, v1::QueryMetricsResponse& response);

}  // namespace mae
