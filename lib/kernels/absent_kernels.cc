// In place of the kernels on processors that can have none of them (CMakeLists.txt): HasAvx512Bf16() says so,
// nobody calls the rest, and what may call it links.
#include <cstdio>
#include <cstdlib>

#include "kernels/adamw_update.h"
#include "kernels/attention.h"
#include "kernels/attention_gradient.h"
#include "kernels/cpu_features.h"
#include "kernels/layer_norm.h"
#include "kernels/layer_norm_gradient.h"
#include "kernels/packed_linear.h"
#include "kernels/quantized_linear.h"
#include "kernels/row_scaling.h"
#include "kernels/weight_gradient.h"

namespace mae {
namespace {

[[noreturn]] void Absent() {
  fprintf(stderr, "a kernel of lib/kernels was called without HasAvx512Bf16()\n");
  abort();
}

}  // namespace

bool HasAvx512Bf16() { return false; }

void AdamWUpdate(const AdamWFactors&, const AdamWElements&, int64_t) { Absent(); }

BlockAttention::BlockAttention(int64_t, int64_t, int64_t, int64_t) { Absent(); }
void BlockAttention::Forward(const uint16_t*, int64_t, WorkTeam&, uint16_t*, int64_t) { Absent(); }

AttentionGradient::AttentionGradient(int64_t, int64_t, int64_t) { Absent(); }
void AttentionGradient::Backward(const uint16_t*, int64_t, int64_t, const uint16_t*, uint16_t*) { Absent(); }

void LayerNormToBf16(const float*, int64_t, int64_t, const float*, const float*, float, WorkTeam&,
                     uint16_t*) {
  Absent();
}
void LayerNormGradient(const float*, const uint16_t*, int64_t, int64_t, const float*, float, const float*,
                       float*, float*, float*) {
  Absent();
}

PackedLinear::PackedLinear(int64_t, int64_t) { Absent(); }
PackedLinear::PackedLinear(const float*, const float*, int64_t, int64_t) { Absent(); }
void PackedLinear::SetWeight(const float*, const float*, int64_t, int64_t) { Absent(); }
void PackedLinear::SetTransposed(const float*, int64_t, int64_t) { Absent(); }
void PackedLinear::Forward(const uint16_t*, int64_t, WorkTeam&, uint16_t*) const { Absent(); }
void PackedLinear::ForwardGelu(const uint16_t*, int64_t, WorkTeam&, uint16_t*) const { Absent(); }
void PackedLinear::ForwardGelu(const uint16_t*, int64_t, WorkTeam&, uint16_t*, uint16_t*) const { Absent(); }
void PackedLinear::BackwardGelu(const uint16_t*, int64_t, WorkTeam&, const uint16_t*, uint16_t*,
                                uint16_t*) const {
  Absent();
}
void PackedLinear::ForwardResidual(const uint16_t*, int64_t, WorkTeam&, const float*, const float*,
                                   float*) const {
  Absent();
}
void PackedLinear::ForwardAdd(const uint16_t*, int64_t, WorkTeam&, float*) const { Absent(); }

QuantizedRows::QuantizedRows(int64_t, int64_t) { Absent(); }
void QuantizedRows::Set(const uint16_t*, int64_t, int64_t, WorkTeam&) { Absent(); }
QuantizedLinear::QuantizedLinear(const float*, const float*, int64_t, int64_t) { Absent(); }
void QuantizedLinear::Forward(const QuantizedRows&, WorkTeam&, uint16_t*) const { Absent(); }
void QuantizedLinear::ForwardGelu(const QuantizedRows&, WorkTeam&, uint16_t*) const { Absent(); }
void QuantizedLinear::ForwardAdd(const QuantizedRows&, WorkTeam&, float*) const { Absent(); }

void ScaleToBf16(const float*, int64_t, int64_t, const float*, uint16_t*) { Absent(); }

PairedInputs::PairedInputs(int64_t, int64_t) { Absent(); }
int64_t PairedInputs::panels() const { Absent(); }
void PairedInputs::Set(int64_t, const uint16_t*) { Absent(); }
int64_t PairedInputs::PanelStart(int64_t) const { Absent(); }
void WeightGradient(const uint16_t*, int64_t, int64_t, int64_t, const PairedInputs&, bool, float*, float*) {
  Absent();
}

}  // namespace mae
