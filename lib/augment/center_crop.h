#pragma once

#include <cstdint>

#include "image/byte_image.h"
#include "image/image_view.h"

/// Fitting an image into another size without distortion. Pure functions, safe anywhere.
namespace mae {

/// What becomes of an image: resized, then cut out of the centre.
struct CenterCropPlan {
  int64_t resized_height = 0, resized_width = 0;
  int64_t top = 0, left = 0;  ///< of the output in the resized image
  bool operator==(const CenterCropPlan&) const = default;
};

/// The evaluation transform of torchvision's references, Resize(int(side / ratio)) and CenterCrop(side), for
/// outputs that need not be square: the image is resized, its aspect kept, to just cover (out_height,
/// out_width) / ratio.
/// @param ratio in (0, 1]; 1 with an image of the output's size changes nothing.
CenterCropPlan PlanCenterCrop(int64_t height, int64_t width, int64_t out_height, int64_t out_width,
                              double ratio);

/// Resizes with Pillow's bicubic filter and cuts, by PlanCenterCrop. What is cut off is not made: memory is
/// that of image and output, however oblong the image is.
/// @param out of the image's channels; its shape is what it has on entry.
void CenterCrop(const ImageView& image, double ratio, ByteImage& out);

}  // namespace mae
