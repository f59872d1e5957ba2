#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "server/admission.h"
#include "serving/model_store.h"

namespace mae {

/// mae_infer_in_flight (requests) and mae_infer_queue_images of each version that is loaded or asked, read
/// when they are scraped, and mae_infer_queue_images_limit. Thread-safe.
class AdmissionMetrics final : public prometheus::Collectable {
 public:
  /// @param admission, store outlive it.
  AdmissionMetrics(const Admission& admission, const ModelStore& store)
      : admission_(admission), store_(store) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Admission& admission_;
  const ModelStore& store_;
};

}  // namespace mae
