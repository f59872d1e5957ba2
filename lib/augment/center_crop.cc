#include "augment/center_crop.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace mae {
namespace {

int64_t Over(int64_t side, double ratio) { return static_cast<int64_t>(static_cast<double>(side) / ratio); }

// torchvision's CenterCrop rounds half the margin to even.
int64_t HalfMargin(int64_t outer, int64_t inner) {
  return static_cast<int64_t>(std::nearbyint(static_cast<double>(outer - inner) / 2.0));
}

}  // namespace

CenterCropPlan PlanCenterCrop(int64_t height, int64_t width, int64_t out_height, int64_t out_width,
                              double ratio) {
  const int64_t cover_height = std::max(out_height, Over(out_height, ratio));
  const int64_t cover_width = std::max(out_width, Over(out_width, ratio));
  CenterCropPlan plan{cover_height, cover_width, 0, 0};
  if (height * cover_width > width * cover_height) {  // taller than wanted: the width decides
    plan.resized_height = std::max(cover_height, cover_width * height / width);
  } else {
    plan.resized_width = std::max(cover_width, cover_height * width / height);
  }
  plan.top = HalfMargin(plan.resized_height, out_height);
  plan.left = HalfMargin(plan.resized_width, out_width);
  return plan;
}

void CenterCrop(const uint8_t* planes, int64_t height, int64_t width, double ratio, ByteImage& out) {
  const auto plan = PlanCenterCrop(height, width, out.height, out.width, ratio);
  Resampler resampler(height, width, plan.resized_height, plan.resized_width, ResampleFilter::kBicubic);
  std::vector<uint8_t> resized(static_cast<size_t>(plan.resized_height * plan.resized_width));
  for (int64_t c = 0; c < out.channels; ++c) {
    resampler.Run({planes + c * height * width, height, width, width, 1}, resized.data());
    const uint8_t* from = resized.data() + plan.top * plan.resized_width + plan.left;
    uint8_t* to = out.plane(c);
    for (int64_t y = 0; y < out.height; ++y, from += plan.resized_width, to += out.width)
      std::memcpy(to, from, static_cast<size_t>(out.width));
  }
}

}  // namespace mae
