#pragma once

#include "absl/strings/string_view.h"
#include "mae/v1/job.pb.h"

namespace mae {

/// Where the events of a watched job go: a live view, plain lines, or JSON lines. Called from one thread, in
/// order.
class JobView {
 public:
  virtual ~JobView() = default;
  virtual void Show(const v1::JobEvent& event) = 0;
  /// A line about the watching itself ("lost the server …").
  virtual void Notice(absl::string_view line) = 0;
};

}  // namespace mae
