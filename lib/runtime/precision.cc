#include "runtime/precision.h"

#include <ATen/autocast_mode.h>

namespace mae {

AutocastScope::AutocastScope(const torch::Device& device, Precision precision)
    : active_(precision == Precision::kBf16),
      type_(device.type()),
      was_enabled_(at::autocast::is_autocast_enabled(type_)),
      former_dtype_(at::autocast::get_autocast_dtype(type_)) {
  if (!active_) return;
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, torch::kBFloat16);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  // A copy kept longer would be of weights that the optimizer has changed since.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, was_enabled_);
  at::autocast::set_autocast_dtype(type_, former_dtype_);
}

}  // namespace mae
