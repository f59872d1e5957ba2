#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <vector>

#include "server/certificate_files.h"

namespace mae {

/// mae_certificate_expiry_timestamp_seconds{certificate}: when the server's own certificate (`server`) and
/// the first of the authorities of its clients (`client_ca`, where there is one) end, seconds since 1970.
/// Looks for new files when that is due. Thread-safe.
class CertificateMetrics final : public prometheus::Collectable {
 public:
  explicit CertificateMetrics(std::shared_ptr<CertificateFiles> files) : files_(std::move(files)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::shared_ptr<CertificateFiles> files_;
};

}  // namespace mae
