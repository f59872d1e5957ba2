#include <algorithm>
#include <memory>

#include "kernels/attention.h"
#include "kernels/layer_norm.h"
#include "nn/block_pass.h"
#include "runtime/compute_threads.h"

namespace mae {
namespace {

// A factor a row; nullptr where there are none.
const float* RowScales(torch::Tensor& scales, int64_t rows_an_image) {
  if (!scales.defined()) return nullptr;
  scales = scales.repeat_interleave(rows_an_image);
  return scales.data_ptr<float>();
}

struct ForwardPass {
  const FusedBlock& block;
  const std::shared_ptr<const PackedLinear> qkv, proj, fc1, fc2;  // no fc2: the output is not asked for
  const BlockActivations& kept;
  const int64_t tokens, outputs;  // a token's, of an image
  const float *attention_scales, *mlp_scales;
  float* y;

  void Run(int64_t first, int64_t end) const;
  void RunTogether(int64_t image, int64_t images, BlockAttention& attention, uint16_t* normal,
                   uint16_t* hidden) const;
};

void ForwardPass::RunTogether(int64_t image, int64_t images, BlockAttention& attention, uint16_t* normal,
                              uint16_t* hidden) const {
  const auto& [dim, num_heads, width, eps] = block.widths();
  const auto& parameters = block.parameters();
  WorkTeam team;  // this thread alone
  const auto token = image * tokens, row = image * outputs, rows = images * outputs;
  LayerNormToBf16(kept.x.data_ptr<float>() + token * dim, images * tokens, dim,
                  parameters.norm1_weight.data_ptr<float>(), parameters.norm1_bias.data_ptr<float>(), eps,
                  team, normal);
  uint16_t* const projected = Bf16Data(kept.qkv) + token * 3 * dim;
  qkv->Forward(normal, images * tokens, team, projected);
  uint16_t* const mixed = Bf16Data(kept.mixed) + row * dim;
  for (int64_t i = 0; i < images; ++i) {
    attention.Forward(projected + i * tokens * 3 * dim, tokens, team, mixed + i * outputs * dim,
                      tokens - outputs);
  }
  float* const attended = kept.attended.data_ptr<float>() + row * dim;
  const float* const residual = tokens == outputs ? kept.x.data_ptr<float>() + row * dim : attended;
  proj->ForwardResidual(mixed, rows, team, residual,
                        attention_scales == nullptr ? nullptr : attention_scales + row, attended);
  LayerNormToBf16(attended, rows, dim, parameters.norm2_weight.data_ptr<float>(),
                  parameters.norm2_bias.data_ptr<float>(), eps, team, normal);
  uint16_t* const before = Bf16Data(kept.before) + row * width;
  if (fc2 == nullptr) return fc1->Forward(normal, rows, team, before);
  fc1->ForwardGelu(normal, rows, team, before, hidden);
  fc2->ForwardResidual(hidden, rows, team, attended, mlp_scales == nullptr ? nullptr : mlp_scales + row,
                       y + row * dim);
}

void ForwardPass::Run(int64_t first, int64_t end) const {
  const auto& widths = block.widths();
  const auto together = std::max<int64_t>(1, kBlockRows / tokens);
  const auto rows = std::min(together, end - first) * tokens;
  const auto normal = torch::empty({rows, widths.dim}, torch::kBFloat16);
  const auto hidden = torch::empty({rows, widths.hidden}, torch::kBFloat16);
  BlockAttention attention(tokens, widths.num_heads, widths.dim / widths.num_heads, /*members=*/1);
  for (; first < end; first += together) {
    RunTogether(first, std::min(together, end - first), attention, Bf16Data(normal), Bf16Data(hidden));
  }
}

// @param y undefined: only what is kept.
void RunForward(FusedBlock& block, int64_t first_output, BlockActivations& kept, const torch::Tensor& y) {
  const auto& widths = block.widths();
  const auto images = kept.x.size(0), tokens = kept.x.size(1), outputs = tokens - first_output;
  kept.qkv = torch::empty({images, tokens, 3 * widths.dim}, torch::kBFloat16);
  kept.mixed = torch::empty({images, outputs, widths.dim}, torch::kBFloat16);
  kept.attended = first_output == 0 ? torch::empty({images, outputs, widths.dim}, torch::kFloat32)
                                    : kept.x.slice(1, first_output).contiguous();
  kept.before = torch::empty({images, outputs, widths.hidden}, torch::kBFloat16);
  auto attention_scales = kept.attention_scales, mlp_scales = kept.mlp_scales;
  const ForwardPass pass{block,
                         block.qkv().Forward(),
                         block.proj().Forward(),
                         block.fc1().Forward(),
                         y.defined() ? block.fc2().Forward() : nullptr,
                         kept,
                         tokens,
                         outputs,
                         RowScales(attention_scales, outputs),
                         RowScales(mlp_scales, outputs),
                         y.defined() ? y.data_ptr<float>() : nullptr};
  ForParts(0, images, [&pass](int64_t first, int64_t end) { pass.Run(first, end); });
}

}  // namespace

torch::Tensor BlockForward(FusedBlock& block, int64_t first_output, BlockActivations& kept) {
  const auto& x = kept.x;
  const auto y = torch::empty({x.size(0), x.size(1) - first_output, x.size(2)}, torch::kFloat32);
  RunForward(block, first_output, kept, y);
  return y;
}

void RecomputeActivations(FusedBlock& block, int64_t first_output, BlockActivations& kept) {
  RunForward(block, first_output, kept, {});
}

}  // namespace mae
