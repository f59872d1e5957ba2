#include "optim/swept_adamw.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/cpu_features.h"
#include "runtime/compute_threads.h"

namespace mae {
namespace {

// Elements that are one thread's at the least: few lines of the cache are written by two.
constexpr int64_t kPiece = 4096;

// The memory of a tensor, for writing: who keeps something made of it goes by its version.
float* Written(const torch::Tensor& tensor) {
  tensor.unsafeGetTensorImpl()->bump_version();
  return tensor.data_ptr<float>();
}

bool IsPlain(const torch::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == torch::kFloat32 && tensor.is_contiguous();
}

AdamWElements From(const AdamWElements& elements, int64_t first) {
  return {elements.weight + first, elements.gradient + first, elements.mean + first, elements.square + first,
          elements.average == nullptr ? nullptr : elements.average + first};
}

}  // namespace

bool SweptAdamW::CanRun(const std::vector<ParamGroup>& groups) {
  const auto is_plain = [](const ParamGroup& group) {
    return std::all_of(group.parameters.begin(), group.parameters.end(),
                       [](const auto& item) { return IsPlain(item.second); });
  };
  return HasAvx512Bf16() && std::all_of(groups.begin(), groups.end(), is_plain);
}

AdamWFactors SweptAdamW::FactorsOf(size_t group, double learning_rate, double step) const {
  const double rate = learning_rate * groups()[group].learning_rate_scale;
  AdamWFactors factors;
  factors.decay = static_cast<float>(1.0 - rate * groups()[group].weight_decay);
  factors.mean_share = static_cast<float>(1.0 - beta1());
  factors.square_decay = static_cast<float>(beta2());
  factors.square_share = static_cast<float>(1.0 - beta2());
  factors.step_size = static_cast<float>(rate / (1.0 - std::pow(beta1(), step)));
  factors.root_correction = static_cast<float>(std::sqrt(1.0 - std::pow(beta2(), step)));
  factors.epsilon = static_cast<float>(epsilon());
  if (ema() != nullptr) factors.average_share = static_cast<float>(ema()->share());
  return factors;
}

AdamWElements SweptAdamW::ElementsOf(size_t group, size_t index) const {
  const auto& parameter = groups()[group].parameters[index].second;
  const auto average = ema() == nullptr ? torch::Tensor() : ema()->AverageOf(parameter);
  return {Written(parameter), /*gradient=*/nullptr, Written(moments()[group].exp_avgs[index]),
          Written(moments()[group].exp_avg_sqs[index]), average.defined() ? Written(average) : nullptr};
}

std::vector<SweptAdamW::Run> SweptAdamW::Runs(double learning_rate, float gradient_scale) const {
  std::vector<Run> runs;
  int64_t begin = 0;
  for (size_t g = 0; g < groups().size(); ++g) {
    for (size_t i = 0; i < groups()[g].parameters.size(); ++i) {
      const auto& parameter = groups()[g].parameters[i].second;
      if (!parameter.grad().defined()) {
        if (ema() != nullptr) ema()->Update(parameter);
        continue;
      }
      const float step = *Written(moments()[g].steps[i]) += 1.0F;
      auto& run = runs.emplace_back(
          Run{FactorsOf(g, learning_rate, step), ElementsOf(g, i), begin, parameter.grad().contiguous()});
      run.factors.gradient_scale = gradient_scale;
      run.elements.gradient = run.gradient.const_data_ptr<float>();
      begin += parameter.numel();
    }
  }
  return runs;
}

void SweptAdamW::StepAll(double learning_rate, const torch::Tensor& gradient_scale) {
  const float scale = gradient_scale.defined() ? gradient_scale.item<float>() : 1.0F;
  const auto runs = Runs(learning_rate, scale);
  if (runs.empty()) return;
  const int64_t size = runs.back().begin + runs.back().gradient.numel();
  ForParts(0, (size + kPiece - 1) / kPiece, [&](int64_t first_piece, int64_t end_piece) {
    const int64_t first = first_piece * kPiece, end = std::min(end_piece * kPiece, size);
    auto run = std::upper_bound(runs.begin(), runs.end(), first,
                                [](int64_t element, const Run& other) { return element < other.begin; });
    for (--run; run != runs.end() && run->begin < end; ++run) {
      const int64_t from = std::max(first - run->begin, int64_t{0});
      const int64_t to = std::min(end - run->begin, run->gradient.numel());
      AdamWUpdate(run->factors, From(run->elements, from), to - from);
    }
  });
}

}  // namespace mae
