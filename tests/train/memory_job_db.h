#pragma once

#include <vector>

#include "job/job_db.h"

namespace mae {

/// A job.db in memory that keeps what was appended and can be told to refuse it.
class MemoryJobDb : public JobDbWriter {
 public:
  absl::StatusOr<int64_t> Append(const decltype(JobEvent::event)& event) override {
    if (!refusal.ok()) return refusal;
    events.push_back(event);
    return static_cast<int64_t>(events.size());
  }
  absl::Status RewindTo(const CheckpointEvent& start) override {
    rewound_to.push_back(start.step);
    return refusal;
  }

  template <typename Event>
  std::vector<Event> Of() const {
    std::vector<Event> found;
    for (const auto& event : events) {
      if (const auto* wanted = std::get_if<Event>(&event)) found.push_back(*wanted);
    }
    return found;
  }

  std::vector<decltype(JobEvent::event)> events;
  std::vector<int64_t> rewound_to;
  absl::Status refusal;
};

}  // namespace mae
