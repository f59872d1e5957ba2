#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "job/job_event.h"

namespace mae {

/// What happened, without sequence and time.
using JobEventBody = decltype(JobEvent::event);

/// The kind of an event as job.db spells it: state, metrics, picture, checkpoint or log.
std::string_view JobEventKind(const JobEventBody& event);

/// The fields of an event as one JSON object. Metric values that JSON has no number for are "nan", "inf",
/// "-inf"; a state's error keeps code and message. Text that is not UTF-8 has its stray bytes replaced.
std::string JobEventToJson(const JobEventBody& event);

/// The inverse. DATA_LOSS names what is wrong. Unknown fields are skipped: a newer trainer may write more.
absl::StatusOr<JobEventBody> JobEventFromJson(std::string_view kind, const std::string& json);

}  // namespace mae
