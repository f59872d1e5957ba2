#pragma once

#include <string>

#include "client/job_progress.h"
#include "client/job_view.h"

namespace mae {

/// Whether all images of a split have been looked at: the end of an epoch, or a result.
bool EndsAPass(const v1::JobEvent::Metrics& metrics);

/// One line an event that is worth one, for a log file or a pipe.
class PlainView : public JobView {
 public:
  /// @param quiet writes nothing.
  explicit PlainView(bool quiet) : quiet_(quiet) {}
  void Show(const v1::JobEvent& event) override;
  void Notice(absl::string_view line) override;

 private:
  const bool quiet_;
  DataWait data_wait_;
};

/// Events as JSON on stdout, one a line (the bytes of pictures left out); notices as lines on stderr.
class JsonLinesView : public JobView {
 public:
  explicit JsonLinesView(bool quiet) : quiet_(quiet) {}
  void Show(const v1::JobEvent& event) override;
  void Notice(absl::string_view line) override;

 private:
  const bool quiet_;
};

/// Not a log line below a warning: those repeat what metrics say.
bool IsWorthALine(const v1::JobEvent& event);

/// "12:03:41  step 25/235  epoch 0.11/1  loss 0.9123  …": one event in words, with the time of day, no
/// newline.
std::string EventLine(const v1::JobEvent& event);

}  // namespace mae
