#pragma once

/// What this machine's processor can do. Thread-safe.
namespace mae {

/// Whether the kernels of this folder may be called: AVX-512 F, BW, DQ, VL, VNNI and BF16 (AMD Zen 4, Intel
/// Cooper Lake and Sapphire Rapids, and later).
bool HasAvx512Bf16();

}  // namespace mae
