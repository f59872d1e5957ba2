#include "server/admission_metrics.h"

#include "absl/strings/str_cat.h"
#include "server/metric_families.h"

namespace mae {

std::vector<prometheus::MetricFamily> AdmissionMetrics::Collect() const {
  auto loads = admission_.Loads();
  for (const auto& [model, version] : store_.Loaded()) loads.try_emplace({model, version});
  MetricFamilies families;
  for (const auto& [key, load] : loads) {
    const MetricFamilies::Labels labels = {{"model", key.first}, {"version", absl::StrCat(key.second)}};
    families.Add("mae_infer_in_flight", "Inference requests let in and not yet answered.", labels,
                 static_cast<double>(load.requests));
    families.Add("mae_infer_queue_images", "Images of those requests, that wait for the model or run.",
                 labels, static_cast<double>(load.images));
  }
  families.Add("mae_infer_queue_images_limit", "Images of one version beyond which requests are refused.", {},
               static_cast<double>(admission_.max_images()));
  return families.Take();
}

}  // namespace mae
