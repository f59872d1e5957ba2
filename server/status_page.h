#pragma once

#include <optional>
#include <string>

#include "server/job_ledger.h"
#include "server/job_summaries.h"
#include "server/job_table.h"
#include "serving/model_store.h"

namespace mae {

/// The content of server/status_page.html: one page of HTML, CSS and JavaScript, which loads nothing else
/// than what StatusPage answers.
const char* StatusPageHtml();

/// What is sent back over HTTP with code 200.
struct HttpBody {
  std::string type;  ///< Content-Type
  std::string bytes;
};

/// The server's own page on the metrics port, and the JSON that it shows; read-only:
///
///   /                        the page
///   /api/jobs                {"jobs": […], "all": N}: the newest 50 of N
///   /api/jobs/{job}/curves   {"series": {"loss": [[step, value], …], …}, "picture": NAME, "picture_time":
///   T}:
///                            at most 300 points each; NAME is empty where there is no picture
///   /api/jobs/{job}/picture  that picture, of validation images: PNG, at most 16 MiB
///   /api/models              {"models": […], "all": N}: the first 200 by name
///
/// Numbers that are none (NaN) are null. Thread-safe; blocks on the disk.
class StatusPage {
 public:
  /// What it is given outlives it.
  StatusPage(JobLedger& ledger, const JobTable& table, JobSummaries& summaries, const ModelStore& models)
      : ledger_(ledger), table_(table), summaries_(summaries), models_(models) {}

  /// @param path as asked, without the query. NOT_FOUND for what there is not; others are the disk's.
  absl::StatusOr<HttpBody> Answer(const std::string& path) const;

 private:
  absl::StatusOr<std::string> Jobs() const;
  absl::StatusOr<std::string> Models() const;
  absl::StatusOr<std::string> Curves(const JobFolder& folder) const;
  absl::StatusOr<std::string> Picture(const JobFolder& folder) const;
  absl::StatusOr<JobFolder> FolderOf(const std::string& id) const;

  JobLedger& ledger_;
  const JobTable& table_;
  JobSummaries& summaries_;
  const ModelStore& models_;
};

}  // namespace mae
