#include "nn/block_stack.h"

#include <algorithm>
#include <string>

namespace mae {

BlockStackImpl::BlockStackImpl(int64_t depth, int64_t dim, int64_t num_heads, const EncoderOptions& shared,
                               double drop_path)
    : dim_(dim),
      num_heads_(num_heads),
      hidden_(shared.hidden_width(dim)),
      layer_norm_eps_(shared.layer_norm_eps) {
  const double last = static_cast<double>(std::max<int64_t>(1, depth - 1));
  for (int64_t i = 0; i < depth; ++i) {
    blocks_.push_back(register_module(
        std::to_string(i), Block(dim, num_heads, shared, drop_path * static_cast<double>(i) / last)));
  }
}

torch::Tensor BlockStackImpl::forward(torch::Tensor x, int64_t first_output) {
  if (packed_) return packed_->Forward(x).slice(1, first_output);
  for (size_t i = 0; i < blocks_.size(); ++i) x = blocks_[i](x, i + 1 == blocks_.size() ? first_output : 0);
  return blocks_.empty() ? x.slice(1, first_output) : x;
}

torch::Tensor BlockStackImpl::FirstTokenWeights(torch::Tensor x) {
  if (packed_) return packed_->FirstTokenWeights(x);
  for (size_t i = 0; i + 1 < blocks_.size(); ++i) x = blocks_[i](x, 0);
  return blocks_.back()->FirstTokenWeights(x);
}

bool BlockStackImpl::Pack(WeightFormat format, WorkQueue* helpers) {
  if (!PackedBlocks::CanPack(dim_, num_heads_, hidden_, format)) return false;
  packed_ = std::make_unique<PackedBlocks>(blocks_, num_heads_, layer_norm_eps_, format, helpers);
  for (size_t i = 0; i < blocks_.size(); ++i) unregister_module(std::to_string(i));
  blocks_.clear();
  return true;
}

}  // namespace mae
