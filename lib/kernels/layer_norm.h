#pragma once

#include <cstdint>

#include "base/work_team.h"

namespace mae {

/// Layer normalisation (Ba et al. 2016, arXiv:1607.06450) of each row, over its `dim` values, in float32; the
/// result is rounded to bfloat16. On the threads of the team. Needs HasAvx512Bf16(). Thread-safe.
/// @param x [rows, dim]; dim a multiple of 16.
/// @param weight,bias [dim].
/// @param y [rows, dim] bfloat16.
void LayerNormToBf16(const float* x, int64_t rows, int64_t dim, const float* weight, const float* bias,
                     float eps, WorkTeam& team, uint16_t* y);

}  // namespace mae
