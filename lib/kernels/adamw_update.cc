#include "kernels/adamw_update.h"

#include "kernels/avx512.h"

namespace mae {
namespace {

using avx512::kLanes;

// from + share * (to - from), from the nearer end as torch.lerp.
struct Blend {
  MAE_AVX512_INLINE explicit Blend(float share)
      : from_nearer(static_cast<__mmask16>(share < 0.5F ? 0xffff : 0)),
        factor(_mm512_set1_ps(share < 0.5F ? share : share - 1.0F)) {}
  MAE_AVX512_INLINE __m512 operator()(__m512 from, __m512 to) const {
    return _mm512_fmadd_ps(factor, _mm512_sub_ps(to, from), _mm512_mask_mov_ps(to, from_nearer, from));
  }
  const __mmask16 from_nearer;
  const __m512 factor;
};

struct Update {
  MAE_AVX512_INLINE explicit Update(const AdamWFactors& f)
      : gradient_scale(_mm512_set1_ps(f.gradient_scale)),
        decay(_mm512_set1_ps(f.decay)),
        square_decay(_mm512_set1_ps(f.square_decay)),
        square_share(_mm512_set1_ps(f.square_share)),
        step_size(_mm512_set1_ps(f.step_size)),
        root_correction(_mm512_set1_ps(f.root_correction)),
        epsilon(_mm512_set1_ps(f.epsilon)),
        mean_blend(f.mean_share),
        average_blend(f.average_share) {}

  MAE_AVX512_INLINE void operator()(const AdamWElements& at, int64_t i, __mmask16 lanes) const {
    const auto load = [=](const float* from) MAE_AVX512 { return _mm512_maskz_loadu_ps(lanes, from + i); };
    const auto gradient = _mm512_mul_ps(load(at.gradient), gradient_scale);
    const auto mean = mean_blend(load(at.mean), gradient);
    const auto square = _mm512_fmadd_ps(load(at.square), square_decay,
                                        _mm512_mul_ps(_mm512_mul_ps(square_share, gradient), gradient));
    const auto root = _mm512_add_ps(_mm512_div_ps(_mm512_sqrt_ps(square), root_correction), epsilon);
    const auto move = _mm512_div_ps(_mm512_mul_ps(step_size, mean), root);
    const auto weight = _mm512_sub_ps(_mm512_mul_ps(load(at.weight), decay), move);
    _mm512_mask_storeu_ps(at.mean + i, lanes, mean);
    _mm512_mask_storeu_ps(at.square + i, lanes, square);
    _mm512_mask_storeu_ps(at.weight + i, lanes, weight);
    if (at.average == nullptr) return;
    _mm512_mask_storeu_ps(at.average + i, lanes, average_blend(load(at.average), weight));
  }

  const __m512 gradient_scale, decay, square_decay, square_share, step_size, root_correction, epsilon;
  const Blend mean_blend, average_blend;
};

}  // namespace

MAE_AVX512 void AdamWUpdate(const AdamWFactors& factors, const AdamWElements& elements, int64_t count) {
  const Update update(factors);
  for (int64_t i = 0; i < count; i += kLanes) update(elements, i, avx512::FirstLanes(count - i));
}

}  // namespace mae
