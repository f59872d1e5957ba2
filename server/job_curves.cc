#include "server/job_curves.h"

#include "absl/strings/strip.h"
#include "job/job_db.h"

namespace mae {
namespace {

constexpr const char* kShown[] = {"loss", "validation_loss", "accuracy", "learning_rate"};
constexpr int64_t kPoints = 20;

}  // namespace

CurvesOfJob CurvesFrom(const JobLedger& ledger) {
  return [&ledger](const std::string& job) {
    Curves curves;
    const std::string id(absl::StripPrefix(job, "jobs/"));  // cards have had both forms
    if (id.empty() || id.find_first_of("/.") != std::string::npos) return curves;
    const auto reader = JobDbReader::Open(ledger.Folder(id).database());
    if (!reader.ok()) return curves;  // The job was deleted; its model stays.
    for (const char* metric : kShown) {
      const auto series = (*reader)->Series(metric, kPoints);
      if (!series.ok()) continue;
      for (const auto& point : *series) curves[metric].emplace_back(point.step, point.value);
    }
    return curves;
  };
}

}  // namespace mae
