#include "nn/packed_blocks.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "kernels/attention.h"
#include "kernels/layer_norm.h"
#include "nn/block_pass.h"

namespace mae {
namespace {

// More would find too few pieces in an image's phases.
constexpr int64_t kMaxHelpers = 7;
// 255 * 127 of so many still fit 31 bits (kernels/quantized_linear.h).
constexpr int64_t kMaxInt8Inputs = 65'536;

torch::Tensor Weight(const torch::OrderedDict<std::string, torch::Tensor>& parameters,
                     const std::string& name) {
  const auto* found = parameters.find(name);
  return found == nullptr ? torch::Tensor() : found->detach().to(torch::kCPU, torch::kFloat32).contiguous();
}

struct Norm {
  torch::Tensor weight, bias;  // float32 [dim]
};

InferenceLinear Linear(WeightFormat format, const torch::OrderedDict<std::string, torch::Tensor>& all,
                       const std::string& name) {
  const auto weight = Weight(all, name + ".weight"), bias = Weight(all, name + ".bias");
  return {format, weight.data_ptr<float>(), bias.defined() ? bias.data_ptr<float>() : nullptr, weight.size(0),
          weight.size(1)};
}

void Normalize(const Norm& norm, const float* x, int64_t rows, int64_t dim, float eps, WorkTeam& team,
               uint16_t* y) {
  LayerNormToBf16(x, rows, dim, norm.weight.data_ptr<float>(), norm.bias.data_ptr<float>(), eps, team, y);
}

}  // namespace

struct PackedBlocks::Layer {
  Layer(const torch::OrderedDict<std::string, torch::Tensor>& all, WeightFormat format)
      : norm1{Weight(all, "norm1.weight").clone(), Weight(all, "norm1.bias").clone()},
        norm2{Weight(all, "norm2.weight").clone(), Weight(all, "norm2.bias").clone()},
        qkv(Linear(format, all, "attn.qkv")),
        proj(Linear(format, all, "attn.proj")),
        fc1(Linear(format, all, "mlp.fc1")),
        fc2(Linear(format, all, "mlp.fc2")) {}

  Norm norm1, norm2;
  InferenceLinear qkv, proj, fc1, fc2;
};

struct PackedBlocks::Room {
  Room(int64_t tokens, int64_t num_heads, const Layer& layer, WeightFormat format, int64_t members)
      : max_tokens(tokens),
        rows(std::max(tokens, kBlockRows)),
        normal(static_cast<size_t>(rows * layer.proj.outputs())),
        qkv(static_cast<size_t>(rows * layer.qkv.outputs())),
        hidden(static_cast<size_t>(rows * layer.fc1.outputs())),
        attention(tokens, num_heads, layer.proj.outputs() / num_heads, members),
        quantized(format == WeightFormat::kInt8 ? rows : 0,
                  std::max(layer.fc1.inputs(), layer.fc1.outputs())) {}

  const int64_t max_tokens, rows;
  AlignedArray<uint16_t> normal, qkv, hidden;
  BlockAttention attention;
  QuantizedRows quantized;  // empty but for kInt8
};

bool PackedBlocks::CanPack(int64_t dim, int64_t num_heads, int64_t hidden, WeightFormat format) {
  if (format == WeightFormat::kInt8 && std::max(dim, hidden) > kMaxInt8Inputs) return false;
  return FusedBlock::CanRun({dim, num_heads, hidden});
}

int64_t PackedBlocks::ImagesTogether(int64_t tokens) { return std::max<int64_t>(1, kBlockRows / tokens); }

PackedBlocks::PackedBlocks(const std::vector<Block>& blocks, int64_t num_heads, double layer_norm_eps,
                           WeightFormat format, WorkQueue* helpers)
    : num_heads_(num_heads),
      eps_(static_cast<float>(layer_norm_eps)),
      format_(format),
      helpers_(helpers),
      most_helpers_(helpers == nullptr ? 0 : std::min(kMaxHelpers, helpers->threads() - 1)) {
  layers_.reserve(blocks.size());
  for (const auto& block : blocks) layers_.emplace_back(block->named_parameters(), format);
}

PackedBlocks::~PackedBlocks() = default;

std::unique_ptr<PackedBlocks::Room> PackedBlocks::TakeRoom(int64_t tokens) const {
  {
    const absl::MutexLock lock(&mutex_);
    const auto fits = std::find_if(rooms_.begin(), rooms_.end(),
                                   [tokens](const auto& room) { return room->max_tokens >= tokens; });
    if (fits != rooms_.end()) {
      auto room = std::move(*fits);
      rooms_.erase(fits);
      return room;
    }
    if (!rooms_.empty()) rooms_.pop_back();  // The larger one replaces it.
  }
  return std::make_unique<Room>(tokens, num_heads_, layers_.front(), format_, 1 + most_helpers_);
}

void PackedBlocks::GiveBack(std::unique_ptr<Room> room) const {
  const absl::MutexLock lock(&mutex_);
  rooms_.push_back(std::move(room));
}

torch::Tensor PackedBlocks::Forward(const torch::Tensor& x) const { return Through(x, layers_.size()); }

torch::Tensor PackedBlocks::Through(const torch::Tensor& x, size_t blocks) const {
  auto y = x.to(torch::kFloat32).clone(torch::MemoryFormat::Contiguous);
  if (blocks == 0) return y;
  const auto tokens = y.size(1), dim = y.size(2), together = ImagesTogether(tokens);
  float* data = y.data_ptr<float>();
  at::parallel_for(0, y.size(0), 1, [&](int64_t first, int64_t end) {
    for (; first < end; first += together) {
      Run(data + first * tokens * dim, std::min(together, end - first), tokens, blocks);
    }
  });
  return y;
}

torch::Tensor PackedBlocks::FirstTokenWeights(const torch::Tensor& x) const {
  const auto y = Through(x, layers_.size() - 1);
  const auto tokens = y.size(1), dim = y.size(2);
  auto room = TakeRoom(tokens);
  WorkTeam alone;
  std::vector<torch::Tensor> weights;
  for (const auto& image : y.unbind()) {
    Project(layers_.back(), image.data_ptr<float>(), tokens, alone, *room);
    const auto qkv =
        torch::from_blob(room->qkv.data(), {tokens, 3, num_heads_, dim / num_heads_}, torch::kBFloat16)
            .to(torch::kFloat32)
            .permute({1, 2, 0, 3});
    const auto q = qkv[0].slice(1, 0, 1) / std::sqrt(static_cast<double>(dim / num_heads_));
    weights.push_back(torch::matmul(q, qkv[1].transpose(-2, -1)).softmax(-1).squeeze(1));
  }
  GiveBack(std::move(room));
  return torch::stack(weights);
}

void PackedBlocks::Project(const Layer& layer, const float* x, int64_t rows, WorkTeam& team,
                           Room& room) const {
  Normalize(layer.norm1, x, rows, layer.proj.outputs(), eps_, team, room.normal.data());
  layer.qkv.Forward(room.normal.data(), rows, room.quantized, team, room.qkv.data());
}

void PackedBlocks::Run(float* x, int64_t images, int64_t tokens, size_t blocks) const {
  auto room = TakeRoom(tokens);
  const auto rows = images * tokens, dim = layers_.front().proj.outputs();
  uint16_t* const normal = room->normal.data();
  WorkTeam team(helpers_, most_helpers_);
  for (size_t l = 0; l < blocks; ++l) {
    const auto& layer = layers_[l];
    team.AskForHelp();
    Project(layer, x, rows, team, *room);
    for (int64_t i = 0; i < images; ++i) {
      room->attention.Forward(room->qkv.data() + i * tokens * 3 * dim, tokens, team,
                              normal + i * tokens * dim);
    }
    layer.proj.ForwardAdd(normal, rows, room->quantized, team, x);
    Normalize(layer.norm2, x, rows, dim, eps_, team, normal);
    layer.fc1.ForwardGelu(normal, rows, room->quantized, team, room->hidden.data());
    layer.fc2.ForwardAdd(room->hidden.data(), rows, room->quantized, team, x);
  }
  GiveBack(std::move(room));
}

}  // namespace mae
