#include "nn/recomputed.h"

#include <ATen/autocast_mode.h>

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "runtime/precision.h"

namespace mae {
namespace {

struct Part : torch::CustomClassHolder {
  torch::Tensor Run(const torch::Tensor& x) const {
    const absl::Cleanup restore = [was = at::autocast::is_autocast_cache_enabled()] {
      at::autocast::set_autocast_cache_enabled(was);
    };
    at::autocast::set_autocast_cache_enabled(false);
    return run(x);
  }

  std::function<torch::Tensor(const torch::Tensor&)> run;
  Precision precision = Precision::kFp32;
};

class RecomputedFunction : public torch::autograd::Function<RecomputedFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               at::TensorList parameters, const c10::intrusive_ptr<Part>& part) {
    auto kept = parameters.vec();
    kept.insert(kept.begin(), x);
    context->save_for_backward(std::move(kept));
    context->saved_data["part"] = at::IValue::make_capsule(part);
    return part->Run(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    auto inputs = context->get_saved_variables();
    const auto part = c10::static_intrusive_pointer_cast<Part>(context->saved_data["part"].toCapsule());
    inputs[0] = inputs[0].detach().requires_grad_(context->needs_input_grad(0));
    const torch::Tensor y = Again(*part, inputs[0]);
    std::vector<torch::Tensor> wanted;
    for (const auto& input : inputs) {
      if (input.requires_grad()) wanted.push_back(input);
    }
    const auto found = torch::autograd::grad({y}, wanted, gradients, /*retain_graph=*/false,
                                             /*create_graph=*/false, /*allow_unused=*/true);
    torch::autograd::variable_list list;
    size_t next = 0;
    for (const auto& input : inputs) list.push_back(input.requires_grad() ? found[next++] : torch::Tensor());
    list.emplace_back();  // of the part
    return list;
  }

 private:
  static torch::Tensor Again(const Part& part, const torch::Tensor& x) {
    const at::AutoGradMode grad(true);
    const AutocastScope autocast(x.device(), part.precision);
    return part.Run(x);
  }
};

}  // namespace

torch::Tensor Recomputed(std::function<torch::Tensor(const torch::Tensor& x)> part, const torch::Tensor& x,
                         const std::vector<torch::Tensor>& parameters) {
  auto holder = c10::make_intrusive<Part>();
  holder->run = std::move(part);
  if (at::autocast::is_autocast_enabled(x.device().type())) holder->precision = Precision::kBf16;
  return RecomputedFunction::apply(x, at::TensorList(parameters), holder);
}

}  // namespace mae
