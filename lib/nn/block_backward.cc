#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>

#include "kernels/attention_gradient.h"
#include "kernels/layer_norm.h"
#include "kernels/layer_norm_gradient.h"
#include "kernels/row_scaling.h"
#include "kernels/weight_gradient.h"
#include "nn/block_pass.h"
#include "runtime/compute_threads.h"

namespace mae {
namespace {

float* FloatsOrNone(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

// Places in BlockParameters::All.
enum Parameter { kNorm1 = 0, kQkv = 2, kProj = 4, kNorm2 = 6, kFc1 = 8, kFc2 = 10 };

// In equal parts of about kBlockRows rows a thread.
int64_t ImagesTogether(int64_t images, int64_t tokens) {
  const auto rows = images * tokens, together = kBlockRows * at::get_num_threads();
  const auto parts = std::clamp<int64_t>((rows + together / 2) / together, 1, images);
  return (images + parts - 1) / parts;
}

class BackwardPass {
 public:
  BackwardPass(FusedBlock& block, int64_t first_output, const BlockActivations& kept,
               const torch::Tensor& gradient, const std::array<bool, 12>& wanted);

  BlockGradients Run();

 private:
  // Some images' way back, one part after the other; the images stay the same until the next Chunk.
  void Chunk(int64_t image, int64_t images);
  void ThroughMlp();
  void ThroughAttention();

  // Calls part(first row, rows) of `rows_an_image` rows an image, on the compute threads.
  template <typename Part>
  void ForRows(int64_t rows_an_image, const Part& part) const {
    ForParts(0, images_,
             [&](int64_t first, int64_t end) { part(first * rows_an_image, (end - first) * rows_an_image); });
  }
  void AddWeightGradient(Parameter parameter, const torch::Tensor& dy, const torch::Tensor& x, int64_t rows);
  // dx = before + what comes through the LayerNorm; also adds its parameters' gradients.
  void ThroughNorm(Parameter parameter, const float* x, const torch::Tensor& dy, const float* before,
                   float* dx, int64_t rows_an_image);
  void SumNorm(Parameter parameter);
  void Normalize(Parameter parameter, const float* x, int64_t rows_an_image);

  const std::shared_ptr<const PackedLinear> qkv_, proj_, fc1_, fc2_;
  const BlockWidths& widths_;
  const BlockActivations& kept_;
  const torch::Tensor& gradient_;
  const int64_t tokens_, outputs_, together_;
  BlockGradients result_;
  std::array<torch::Tensor, 12> parameters_;
  std::array<torch::Tensor, 12> norm_parts_;  // of each compute thread: [threads, dim]
  torch::Tensor upper_, wide_, gelu_, normal_, narrow_, dqkv_, attended_gradient_;
  PairedInputs narrow_inputs_, wide_inputs_;
  int64_t image_ = 0, images_ = 0;
  bool add_ = false;  // to the weights' gradients
};

BackwardPass::BackwardPass(FusedBlock& block, int64_t first_output, const BlockActivations& kept,
                           const torch::Tensor& gradient, const std::array<bool, 12>& wanted)
    : qkv_(block.qkv().Backward()),
      proj_(block.proj().Backward()),
      fc1_(block.fc1().Backward()),
      fc2_(block.fc2().Backward()),
      widths_(block.widths()),
      kept_(kept),
      gradient_(gradient),
      tokens_(kept.x.size(1)),
      outputs_(tokens_ - first_output),
      together_(ImagesTogether(kept.x.size(0), tokens_)),
      parameters_(block.parameters().All()),
      narrow_inputs_(together_ * tokens_, widths_.dim),
      wide_inputs_(together_ * outputs_, widths_.hidden) {
  const auto rows = together_ * tokens_, dim = widths_.dim;
  const auto room = [](int64_t size, int64_t width) { return torch::empty({size, width}, torch::kBFloat16); };
  upper_ = room(rows, dim);
  wide_ = room(together_ * outputs_, widths_.hidden);
  gelu_ = room(together_ * outputs_, widths_.hidden);
  normal_ = room(rows, dim);
  narrow_ = room(rows, dim);
  dqkv_ = room(rows, 3 * dim);
  attended_gradient_ = torch::empty({together_ * outputs_, dim}, torch::kFloat32);
  result_.x = torch::empty(kept.x.sizes(), torch::kFloat32);
  for (size_t p = 0; p < wanted.size(); ++p) {
    if ((!wanted[p] && !wanted[p ^ 1U]) || !parameters_[p].defined())
      continue;  // a weight's bias is beside it
    result_.parameters[p] = torch::empty(parameters_[p].sizes(), torch::kFloat32);
    if (p / 2 * 2 == kNorm1 || p / 2 * 2 == kNorm2) {
      norm_parts_[p] = torch::zeros({at::get_num_threads(), dim}, torch::kFloat32);
    }
  }
}

void BackwardPass::AddWeightGradient(Parameter parameter, const torch::Tensor& dy, const torch::Tensor& x,
                                     int64_t rows) {
  const auto& weight = result_.parameters[parameter];
  if (!weight.defined()) return;
  auto& inputs = parameter == kFc2 ? wide_inputs_ : narrow_inputs_;
  inputs.Resize(rows);
  ForParts(0, inputs.panels(), [&](int64_t first, int64_t end) {
    for (; first < end; ++first) inputs.Set(first, Bf16Data(x));
  });
  const auto outputs = weight.size(0), groups = (outputs + kOutputGroup - 1) / kOutputGroup;
  ForParts(0, groups, [&](int64_t first, int64_t end) {
    WeightGradient(Bf16Data(dy), outputs, first * kOutputGroup, std::min(end * kOutputGroup, outputs), inputs,
                   add_, weight.data_ptr<float>(), FloatsOrNone(result_.parameters[parameter + 1]));
  });
}

void BackwardPass::Normalize(Parameter parameter, const float* x, int64_t rows_an_image) {
  ForRows(rows_an_image, [&](int64_t row, int64_t rows) {
    const auto at = row * widths_.dim;
    WorkTeam alone;
    LayerNormToBf16(x + at, rows, widths_.dim, parameters_[parameter].data_ptr<float>(),
                    parameters_[parameter + 1].data_ptr<float>(), widths_.layer_norm_eps, alone,
                    Bf16Data(normal_) + at);
  });
}

void BackwardPass::ThroughNorm(Parameter parameter, const float* x, const torch::Tensor& dy,
                               const float* before, float* dx, int64_t rows_an_image) {
  float* const weights = FloatsOrNone(norm_parts_[parameter]);
  float* const biases = FloatsOrNone(norm_parts_[parameter + 1]);
  ForRows(rows_an_image, [&](int64_t row, int64_t rows) {
    const auto at = row * widths_.dim, part = at::get_thread_num() * widths_.dim;
    LayerNormGradient(x + at, Bf16Data(dy) + at, rows, widths_.dim, parameters_[parameter].data_ptr<float>(),
                      widths_.layer_norm_eps, before + at, dx + at,
                      weights == nullptr ? nullptr : weights + part,
                      weights == nullptr ? nullptr : biases + part);
  });
}

void BackwardPass::SumNorm(Parameter parameter) {
  for (const size_t p : {static_cast<size_t>(parameter), static_cast<size_t>(parameter) + 1}) {
    if (norm_parts_[p].defined()) result_.parameters[p] = norm_parts_[p].sum(0);
  }
}

void BackwardPass::ThroughMlp() {
  const auto dim = widths_.dim, row = image_ * outputs_, rows = images_ * outputs_;
  const float* const upper = gradient_.data_ptr<float>() + row * dim;
  const float* const scales =
      kept_.mlp_scales.defined() ? kept_.mlp_scales.data_ptr<float>() + image_ : nullptr;
  const uint16_t* const before = Bf16Data(kept_.before) + row * widths_.hidden;
  ForRows(outputs_, [&](int64_t first, int64_t count) {
    WorkTeam alone;
    const auto at = first * dim, wide = first * widths_.hidden;
    ScaleToBf16(upper + at, count / outputs_, outputs_ * dim,
                scales == nullptr ? nullptr : scales + first / outputs_, Bf16Data(upper_) + at);
    fc2_->BackwardGelu(Bf16Data(upper_) + at, count, alone, before + wide, Bf16Data(wide_) + wide,
                       Bf16Data(gelu_) + wide);
    fc1_->Forward(Bf16Data(wide_) + wide, count, alone, Bf16Data(narrow_) + at);
  });
  AddWeightGradient(kFc2, upper_, gelu_, rows);
  const float* const attended = kept_.attended.data_ptr<float>() + row * dim;
  Normalize(kNorm2, attended, outputs_);
  AddWeightGradient(kFc1, wide_, normal_, rows);
  ThroughNorm(kNorm2, attended, narrow_, upper, attended_gradient_.data_ptr<float>(), outputs_);
}

void BackwardPass::ThroughAttention() {
  const auto dim = widths_.dim, first_output = tokens_ - outputs_;
  const float* const scales =
      kept_.attention_scales.defined() ? kept_.attention_scales.data_ptr<float>() + image_ : nullptr;
  const float* const attended = attended_gradient_.data_ptr<float>();
  float* const dx = result_.x.data_ptr<float>() + image_ * tokens_ * dim;
  ForParts(0, images_, [&](int64_t first, int64_t end) {
    WorkTeam alone;
    const auto at = first * outputs_ * dim;
    ScaleToBf16(attended + at, end - first, outputs_ * dim, scales == nullptr ? nullptr : scales + first,
                Bf16Data(upper_) + at);
    proj_->Forward(Bf16Data(upper_) + at, (end - first) * outputs_, alone, Bf16Data(narrow_) + at);
    AttentionGradient attention(tokens_, widths_.num_heads, dim / widths_.num_heads);
    for (int64_t i = first; i < end; ++i) {
      attention.Backward(Bf16Data(kept_.qkv) + (image_ + i) * tokens_ * 3 * dim, tokens_, first_output,
                         Bf16Data(narrow_) + i * outputs_ * dim, Bf16Data(dqkv_) + i * tokens_ * 3 * dim);
      float* const image = dx + i * tokens_ * dim;
      std::fill_n(image, first_output * dim, 0.0F);
      std::copy_n(attended + i * outputs_ * dim, outputs_ * dim, image + first_output * dim);
    }
  });
  AddWeightGradient(kProj, upper_, kept_.mixed.flatten(0, 1).slice(0, image_ * outputs_), images_ * outputs_);
  ForRows(tokens_, [&](int64_t row, int64_t rows) {
    WorkTeam alone;
    qkv_->Forward(Bf16Data(dqkv_) + row * 3 * dim, rows, alone, Bf16Data(narrow_) + row * dim);
  });
  const float* const x = kept_.x.data_ptr<float>() + image_ * tokens_ * dim;
  Normalize(kNorm1, x, tokens_);
  AddWeightGradient(kQkv, dqkv_, normal_, images_ * tokens_);
  ThroughNorm(kNorm1, x, narrow_, dx, dx, tokens_);
}

void BackwardPass::Chunk(int64_t image, int64_t images) {
  image_ = image;
  images_ = images;
  ThroughMlp();
  ThroughAttention();
  add_ = true;
}

BlockGradients BackwardPass::Run() {
  const auto images = kept_.x.size(0);
  for (int64_t image = 0; image < images; image += together_)
    Chunk(image, std::min(together_, images - image));
  SumNorm(kNorm1);
  SumNorm(kNorm2);
  return std::move(result_);
}

}  // namespace

BlockGradients BlockBackward(FusedBlock& block, int64_t first_output, const BlockActivations& kept,
                             const torch::Tensor& gradient, const std::array<bool, 12>& wanted) {
  return BackwardPass(block, first_output, kept, gradient, wanted).Run();
}

}  // namespace mae
