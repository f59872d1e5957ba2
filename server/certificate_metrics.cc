#include "server/certificate_metrics.h"

#include "server/metric_families.h"

namespace mae {

std::vector<prometheus::MetricFamily> CertificateMetrics::Collect() const {
  MetricFamilies families;
  const auto add = [&](const char* which, absl::Time end) {
    if (end == absl::InfiniteFuture()) return;
    families.Add("mae_certificate_expiry_timestamp_seconds",
                 "When a TLS certificate ends, seconds since 1970.", {{"certificate", which}},
                 static_cast<double>(absl::ToUnixSeconds(end)));
  };
  files_->LookIfDue();
  const auto current = files_->Current();
  add("server", current->expires);
  add("client_ca", current->client_ca_expires);
  return families.Take();
}

}  // namespace mae
