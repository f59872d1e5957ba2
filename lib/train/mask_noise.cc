#include "train/mask_noise.h"

#include <limits>

#include "base/counted_random.h"

namespace mae {
namespace {

// No epoch gets this far, so validation never shares a mask sequence with training.
constexpr uint64_t kValidationEpoch = std::numeric_limits<uint64_t>::max();

torch::Tensor Noise(uint64_t seed, uint64_t epoch, const std::vector<int64_t>& indices, int64_t num_patches) {
  const auto noise = torch::empty({static_cast<int64_t>(indices.size()), num_patches}, torch::kFloat32);
  float* out = noise.data_ptr<float>();
  for (const int64_t index : indices) {
    const uint64_t key = CountedBits(seed, RandomStream::kMask, {epoch, static_cast<uint64_t>(index)});
    for (int64_t patch = 0; patch < num_patches; ++patch)
      *out++ = UniformAt(key, static_cast<uint64_t>(patch));
  }
  return noise;
}

}  // namespace

torch::Tensor TrainMaskNoise(uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices,
                             int64_t num_patches) {
  return Noise(seed, static_cast<uint64_t>(epoch), indices, num_patches);
}

torch::Tensor ValidationMaskNoise(const std::vector<int64_t>& indices, int64_t num_patches) {
  return Noise(0, kValidationEpoch, indices, num_patches);
}

}  // namespace mae
