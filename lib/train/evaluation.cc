#include "train/evaluation.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace mae {

void ClassifierScore::Add(const torch::Tensor& logits, const torch::Tensor& labels) {
  const torch::NoGradGuard no_grad;
  const int64_t classes = confusion_.size(0);
  loss_ += torch::nn::functional::cross_entropy(
               logits, labels, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum))
               .item<double>();
  const auto first = std::get<1>(logits.topk(std::min<int64_t>(5, classes), 1));
  in_first5_ += first.eq(labels.unsqueeze(1)).any(1).sum().item<int64_t>();
  const auto cells = (labels * classes + logits.argmax(1)).cpu();
  confusion_ += torch::bincount(cells, /*weights=*/{}, classes * classes).view({classes, classes});
  images_ += labels.size(0);
}

double ClassifierScore::accuracy() const {
  return static_cast<double>(confusion_.trace().item<int64_t>()) / static_cast<double>(images_);
}

std::vector<double> ClassifierScore::class_accuracy() const {
  const auto shares = (confusion_.diagonal().to(torch::kFloat64) / confusion_.sum(1)).contiguous();
  const double* first = shares.data_ptr<double>();
  return {first, first + shares.numel()};
}

std::vector<std::vector<int64_t>> ClassifierScore::confusion() const {
  std::vector<std::vector<int64_t>> rows;
  const int64_t classes = confusion_.size(0);
  const int64_t* cell = confusion_.data_ptr<int64_t>();
  for (int64_t row = 0; row < classes; ++row, cell += classes) rows.emplace_back(cell, cell + classes);
  return rows;
}

std::vector<std::string> ClassNames(const std::vector<std::string>& labels, int64_t classes) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < classes; ++i) {
    const auto at = static_cast<size_t>(i);
    names.push_back(at < labels.size() ? labels[at] : absl::StrCat(i));
  }
  return names;
}

std::map<std::string, double> MetricsOf(const ClassifierScore& score,
                                        const std::vector<std::string>& labels) {
  std::map<std::string, double> metrics = {{"accuracy", score.accuracy()}};
  const auto shares = score.class_accuracy();
  if (shares.size() > 5) metrics["top5_accuracy"] = score.top5_accuracy();
  const auto names = ClassNames(labels, static_cast<int64_t>(shares.size()));
  for (size_t i = 0; i < shares.size(); ++i) {
    if (!std::isnan(shares[i])) metrics[absl::StrCat("class_accuracy/", names[i])] = shares[i];
  }
  return metrics;
}

}  // namespace mae
