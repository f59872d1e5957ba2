#include "nn/fused_block.h"

#include <vector>

#include "kernels/cpu_features.h"
#include "nn/block_pass.h"
#include "runtime/compute_threads.h"

namespace mae {
namespace {

std::pair<const void*, int64_t> StateOf(const torch::Tensor& parameter) {
  if (!parameter.defined()) return {nullptr, 0};
  return {parameter.const_data_ptr(), static_cast<int64_t>(parameter._version())};
}

// What is no variable of the graph. Kept tensors would be, were they undefined.
struct Call {
  c10::intrusive_ptr<FusedBlock> block;
  int64_t first_output;
  torch::Tensor attention_scales, mlp_scales;
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
    context->save_for_backward(
        {kept.x, kept.qkv, kept.mixed, kept.attended, kept.before, call.attention_scales, call.mlp_scales});
    context->saved_data["block"] = at::IValue::make_capsule(call.block);
    context->saved_data["first_output"] = call.first_output;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const BlockActivations kept{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6]};
    const auto block =
        c10::static_intrusive_pointer_cast<FusedBlock>(context->saved_data["block"].toCapsule());
    const auto parameters = block->parameters().All();
    std::array<bool, 12> wanted{};
    size_t edge = 1;  // after x
    for (size_t p = 0; p < wanted.size(); ++p) {
      if (parameters[p].defined()) wanted[p] = context->needs_input_grad(edge++);
    }
    auto result = BlockBackward(*block, context->saved_data["first_output"].toInt(), kept,
                                gradients[0].to(torch::kFloat32).contiguous(), wanted);
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

void TrainedLinear::Refresh(bool wait) {
  if (wait) {
    mutex_.Lock();
  } else if (!mutex_.TryLock()) {
    return;
  }
  if (forward_.inputs() == 0) {
    forward_ = PackedLinear(weight_.size(0), weight_.size(1));
    backward_ = PackedLinear(weight_.size(1), weight_.size(0));
  }
  const auto state = StateOf(weight_), bias_state = StateOf(bias_);
  if (packed_ != state || packed_bias_ != bias_state) {
    const auto weight = weight_.detach().contiguous();
    forward_.SetWeight(weight.data_ptr<float>(), bias_.defined() ? bias_.data_ptr<float>() : nullptr);
    backward_.SetTransposed(weight.data_ptr<float>());
    packed_ = state;
    packed_bias_ = bias_state;
  }
  mutex_.Unlock();
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

void FusedBlock::Refresh() {
  TrainedLinear* const linears[] = {&qkv_, &fc1_, &fc2_, &proj_};
  ForParts(0, 4, [&](int64_t first, int64_t end) {
    for (auto i = first; i < end; ++i) linears[i]->Refresh(/*wait=*/false);
  });
  for (auto* linear : linears) linear->Refresh(/*wait=*/true);
}

torch::Tensor FusedBlock::Run(const c10::intrusive_ptr<FusedBlock>& block, const torch::Tensor& x,
                              int64_t first_output, const torch::Tensor& attention_scales,
                              const torch::Tensor& mlp_scales) {
  return BlockFunction::apply(x, at::TensorList(DefinedParameters(*block)),
                              Call{block, first_output, attention_scales, mlp_scales});
}

}  // namespace mae
