#include "nn/fused_block.h"

#include <vector>

#include "kernels/cpu_features.h"
#include "nn/block_pass.h"
#include "runtime/compute_threads.h"

namespace mae {
namespace {

// Calls set(first, end) for parts of `size` rows in multiples of 16, on the compute threads.
template <typename Set>
void SetInParts(int64_t size, const Set& set) {
  ForParts(0, size / 16, [&](int64_t first, int64_t end) { set(16 * first, 16 * end); });
}

// What is no variable of the graph. Kept tensors would be, were they undefined.
struct Call {
  c10::intrusive_ptr<FusedBlock> block;
  int64_t first_output;
  torch::Tensor attention_scales, mlp_scales;
  bool recompute;
};

std::vector<torch::Tensor> DefinedParameters(const FusedBlock& block) {
  std::vector<torch::Tensor> defined;
  for (const auto& parameter : block.parameters().All()) {
    if (parameter.defined()) defined.push_back(parameter);
  }
  return defined;
}

class BlockFunction : public torch::autograd::Function<BlockFunction> {
 public:
  // The parameters are for the graph: the block has them.
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               at::TensorList /*parameters*/, const Call& call) {
    BlockActivations kept;
    kept.x = x.to(torch::kFloat32).contiguous();
    kept.attention_scales = call.attention_scales;
    kept.mlp_scales = call.mlp_scales;
    auto y = BlockForward(*call.block, call.first_output, kept);
    if (call.recompute) kept = {kept.x, {}, {}, {}, {}, call.attention_scales, call.mlp_scales};
    context->save_for_backward(
        {kept.x, kept.qkv, kept.mixed, kept.attended, kept.before, call.attention_scales, call.mlp_scales});
    context->saved_data["block"] = at::IValue::make_capsule(call.block);
    context->saved_data["first_output"] = call.first_output;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    BlockActivations kept{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6]};
    const auto block =
        c10::static_intrusive_pointer_cast<FusedBlock>(context->saved_data["block"].toCapsule());
    const int64_t first_output = context->saved_data["first_output"].toInt();
    if (!kept.qkv.defined()) RecomputeActivations(*block, first_output, kept);
    const auto parameters = block->parameters().All();
    std::array<bool, 12> wanted{};
    size_t edge = 1;  // after x
    for (size_t p = 0; p < wanted.size(); ++p) {
      if (parameters[p].defined()) wanted[p] = context->needs_input_grad(edge++);
    }
    auto result =
        BlockBackward(*block, first_output, kept, gradients[0].to(torch::kFloat32).contiguous(), wanted);
    torch::autograd::variable_list list = {result.x};
    for (size_t p = 0; p < wanted.size(); ++p) {
      if (parameters[p].defined()) list.push_back(result.parameters[p]);
    }
    list.emplace_back();  // of the call
    return list;
  }
};

}  // namespace

std::array<torch::Tensor, 12> BlockParameters::All() const {
  return {norm1_weight, norm1_bias, qkv_weight, qkv_bias, proj_weight, proj_bias,
          norm2_weight, norm2_bias, fc1_weight, fc1_bias, fc2_weight,  fc2_bias};
}

TrainedLinear::TrainedLinear(torch::Tensor weight, torch::Tensor bias)
    : weight_(std::move(weight)), bias_(std::move(bias)) {}

std::shared_ptr<const PackedLinear> TrainedLinear::Forward() {
  const absl::MutexLock lock(&mutex_);
  if (auto packed = forward_.lock()) return packed;
  const auto packed = std::make_shared<PackedLinear>(weight_.size(0), weight_.size(1));
  const auto weight = weight_.detach().contiguous();
  const float* const bias = bias_.defined() ? bias_.const_data_ptr<float>() : nullptr;
  SetInParts(weight.size(0), [&](int64_t first, int64_t end) {
    packed->SetWeight(weight.const_data_ptr<float>(), bias, first, end);
  });
  forward_ = packed;
  return packed;
}

std::shared_ptr<const PackedLinear> TrainedLinear::Backward() {
  const absl::MutexLock lock(&mutex_);
  if (auto packed = backward_.lock()) return packed;
  const auto packed = std::make_shared<PackedLinear>(weight_.size(1), weight_.size(0));
  const auto weight = weight_.detach().contiguous();
  SetInParts(weight.size(0), [&](int64_t first, int64_t end) {
    packed->SetTransposed(weight.const_data_ptr<float>(), first, end);
  });
  backward_ = packed;
  return packed;
}

bool FusedBlock::CanRun(const BlockWidths& widths) {
  return HasAvx512Bf16() && widths.dim % widths.num_heads == 0 && widths.dim / widths.num_heads % 16 == 0 &&
         widths.hidden % 16 == 0;
}

FusedBlock::FusedBlock(const BlockWidths& widths, BlockParameters parameters)
    : widths_(widths),
      parameters_(std::move(parameters)),
      qkv_(parameters_.qkv_weight, parameters_.qkv_bias),
      proj_(parameters_.proj_weight, parameters_.proj_bias),
      fc1_(parameters_.fc1_weight, parameters_.fc1_bias),
      fc2_(parameters_.fc2_weight, parameters_.fc2_bias) {}

torch::Tensor FusedBlock::Run(const c10::intrusive_ptr<FusedBlock>& block, const torch::Tensor& x,
                              int64_t first_output, const torch::Tensor& attention_scales,
                              const torch::Tensor& mlp_scales, bool recompute) {
  return BlockFunction::apply(x, at::TensorList(DefinedParameters(*block)),
                              Call{block, first_output, attention_scales, mlp_scales, recompute});
}

}  // namespace mae
