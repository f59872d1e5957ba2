#pragma once

#include <immintrin.h>

#include <cstdint>

/// Vector arithmetic that the kernels share. Every function that uses it carries MAE_AVX512, so that only
/// code behind HasAvx512Bf16() (kernels/cpu_features.h) holds these instructions. Included by
/// lib/kernels/*.cc alone.
#define MAE_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vnni,avx2,fma")))
#define MAE_AVX512_INLINE MAE_AVX512 inline __attribute__((always_inline))

namespace mae::avx512 {

inline constexpr int64_t kLanes = 16;  ///< float32 values of a vector

/// The first `count` lanes of a vector, all of them where there are more.
inline __mmask16 FirstLanes(int64_t count) {
  return static_cast<__mmask16>(count >= kLanes ? 0xffff : (1 << count) - 1);
}

MAE_AVX512_INLINE __m512 Load(const float* from) { return _mm512_loadu_ps(from); }

/// To the nearest bfloat16, ties to even.
MAE_AVX512_INLINE void StoreBf16(uint16_t* to, __m512 values) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
}

/// 2^x within 2 ulp for x in [-126, 128); 0 below that range. NaN stays NaN.
MAE_AVX512_INLINE __m512 Exp2(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-150.0F), x);  // -inf has no part below; of a NaN the second operand stays
  const auto whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const auto part = _mm512_sub_ps(x, whole);  // in [-0.5, 0.5]: the Taylor series of e^(part * ln 2)
  auto sum = _mm512_set1_ps(1.54035304e-4F);
  sum = _mm512_fmadd_ps(sum, part, _mm512_set1_ps(1.33335581e-3F));
  sum = _mm512_fmadd_ps(sum, part, _mm512_set1_ps(9.61812911e-3F));
  sum = _mm512_fmadd_ps(sum, part, _mm512_set1_ps(5.55041087e-2F));
  sum = _mm512_fmadd_ps(sum, part, _mm512_set1_ps(2.40226507e-1F));
  sum = _mm512_fmadd_ps(sum, part, _mm512_set1_ps(6.93147181e-1F));
  sum = _mm512_fmadd_ps(sum, part, _mm512_set1_ps(1.0F));
  return _mm512_scalef_ps(sum, whole);
}

/// The standard normal distribution at x: 1 - Phi(|x|), half of erfc(|x| / sqrt 2), and e^(-x^2 / 2). The
/// error function is Abramowitz and Stegun's 7.1.26, within 1.5e-7.
struct NormalTail {
  __m512 beyond, bell;
};

MAE_AVX512_INLINE NormalTail TailOf(__m512 x) {
  const auto z = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.70710678F));
  const auto divisor = _mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911F), _mm512_set1_ps(1.0F));
  auto t = _mm512_rcp14_ps(divisor);
  t = _mm512_mul_ps(t, _mm512_fnmadd_ps(divisor, t, _mm512_set1_ps(2.0F)));  // one step of Newton
  auto sum = _mm512_set1_ps(0.5F * 1.061405429F);
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.5F * -1.453152027F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.5F * 1.421413741F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.5F * -0.284496736F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.5F * 0.254829592F));
  const auto bell = Exp2(_mm512_mul_ps(_mm512_mul_ps(z, z), _mm512_set1_ps(-1.44269504F)));
  return {_mm512_mul_ps(_mm512_mul_ps(sum, t), bell), bell};
}

/// x times the standard normal distribution function of x (Hendrycks and Gimpel 2016, eq. 1, the exact form).
MAE_AVX512_INLINE __m512 Gelu(__m512 x) {
  // x >= 0: x - x * beyond; x < 0: x * beyond, which does not lose it against x.
  const auto small = _mm512_mul_ps(x, TailOf(x).beyond);
  const auto negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_mask_mov_ps(_mm512_sub_ps(x, small), negative, small);
}

/// Gelu and its derivative, Phi(x) + x * phi(x).
struct GeluSlope {
  __m512 value, slope;
};

MAE_AVX512_INLINE GeluSlope GeluAndSlope(__m512 x) {
  const auto tail = TailOf(x);
  const auto negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
  const auto below =
      _mm512_mask_mov_ps(_mm512_sub_ps(_mm512_set1_ps(1.0F), tail.beyond), negative, tail.beyond);
  const auto density = _mm512_mul_ps(tail.bell, _mm512_set1_ps(0.39894228F));
  return {_mm512_mul_ps(x, below), _mm512_fmadd_ps(x, density, below)};
}

/// 16 bfloat16 values.
MAE_AVX512_INLINE __m512 LoadBf16(const uint16_t* from) {
  const auto halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

}  // namespace mae::avx512
