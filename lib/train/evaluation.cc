#include "train/evaluation.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace mae {

ClassifierScore::ClassifierScore(int64_t classes)
    : of_class_(torch::zeros({classes}, torch::kInt64)), right_(torch::zeros_like(of_class_)) {
  const int64_t side = classes <= kMaxConfusionClasses ? classes : 0;
  confusion_ = torch::zeros({side, side}, torch::kInt64);
}

void ClassifierScore::Add(const torch::Tensor& logits, const torch::Tensor& labels) {
  const torch::NoGradGuard no_grad;
  const int64_t classes = of_class_.size(0);
  loss_ += torch::nn::functional::cross_entropy(
               logits, labels, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum))
               .item<double>();
  const auto first = std::get<1>(logits.topk(std::min<int64_t>(5, classes), 1));
  in_first5_ += first.eq(labels.unsqueeze(1)).any(1).sum().item<int64_t>();
  const auto truth = labels.cpu(), predicted = logits.argmax(1).cpu(), ones = torch::ones_like(truth);
  of_class_.index_add_(0, truth, ones);
  right_.index_add_(0, truth, truth.eq(predicted).to(torch::kInt64));
  if (confusion_.numel() > 0) confusion_.view(-1).index_add_(0, truth * classes + predicted, ones);
  images_ += labels.size(0);
}

double ClassifierScore::accuracy() const {
  return static_cast<double>(right_.sum().item<int64_t>()) / static_cast<double>(images_);
}

std::vector<double> ClassifierScore::class_accuracy() const {
  const auto shares = (right_.to(torch::kFloat64) / of_class_).contiguous();
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

std::map<std::string, double> MetricsOf(const ClassifierScore& score, const std::vector<std::string>& names) {
  std::map<std::string, double> metrics = {{"accuracy", score.accuracy()}};
  const auto shares = score.class_accuracy();
  if (shares.size() > 5) metrics["top5_accuracy"] = score.top5_accuracy();
  for (size_t i = 0; i < shares.size(); ++i) {
    if (!std::isnan(shares[i])) metrics[absl::StrCat("class_accuracy/", names[i])] = shares[i];
  }
  return metrics;
}

}  // namespace mae
