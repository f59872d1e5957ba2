#include "augment/center_crop.h"

#include <algorithm>
#include <cmath>

#include "image/resample.h"

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

void CenterCrop(const ImageView& image, double ratio, ByteImage& out) {
  const auto plan = PlanCenterCrop(image.height, image.width, out.height, out.width, ratio);
  Resampler resampler(image.height, image.width, plan.resized_height, plan.resized_width,
                      ResampleFilter::kBicubic, {plan.top, plan.left, out.height, out.width});
  for (int64_t c = 0; c < out.channels; ++c) resampler.Run(image.plane(c), out.plane(c));
}

}  // namespace mae
