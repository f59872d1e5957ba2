#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// What is said of a classifier after it has seen a split. Pure but for the sums; one thread.
namespace mae {

/// The most classes of which a score counts which is taken for which: the table has their square.
inline constexpr int64_t kMaxConfusionClasses = 2000;

/// Sums over the images of a split.
class ClassifierScore {
 public:
  /// @param classes that the head tells apart, at least 1.
  explicit ClassifierScore(int64_t classes);

  /// @param logits [B, classes] float32. @param labels [B] int64, in 0 .. classes-1, on the same device.
  void Add(const torch::Tensor& logits, const torch::Tensor& labels);

  int64_t images() const { return images_; }
  double loss() const { return loss_ / static_cast<double>(images_); }  ///< mean cross-entropy
  double accuracy() const;
  /// Share of images whose label is among the five largest logits.
  double top5_accuracy() const { return static_cast<double>(in_first5_) / static_cast<double>(images_); }
  /// Of each class, the share of its images classified right; NaN where it has none.
  std::vector<double> class_accuracy() const;
  /// [true class][predicted class], images; empty above kMaxConfusionClasses.
  std::vector<std::vector<int64_t>> confusion() const;

 private:
  // int64, on the CPU: images of each class, those of them classified right, and [true, predicted] or
  // nothing.
  torch::Tensor of_class_, right_, confusion_;
  double loss_ = 0;
  int64_t images_ = 0, in_first5_ = 0;
};

/// The metrics of a score by name: accuracy, top5_accuracy (of more than five classes), and
/// class_accuracy/NAME of each class that has images.
/// @param names one a class.
std::map<std::string, double> MetricsOf(const ClassifierScore& score, const std::vector<std::string>& names);

}  // namespace mae
