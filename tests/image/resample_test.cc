#include "image/resample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "image/byte_image.h"
#include "tests/augment/reference_images.h"

namespace mae {
namespace {

using testing::Each;
using testing::Gt;

ByteImage Resized(const ByteImage& image, const CropBox& box, const ByteImage& like, ResampleFilter filter) {
  ByteImage out;
  out.Reshape(like.channels, like.height, like.width);
  Resampler resampler(box.height, box.width, out.height, out.width, filter);
  for (int64_t c = 0; c < out.channels; ++c) resampler.Run(Crop(image.view().plane(c), box), out.plane(c));
  return out;
}

TEST(Resampler, EqualsPillowToOneGreyLevel) {
  const auto names = ReferenceNames("resample/");
  ASSERT_EQ(names.size(), 2U * 2 * 8);
  for (const auto& name : names) {
    const auto parts = NameParts(name);  // resample, picture, filter, box
    const auto& expected = ReferenceImages().at(name);
    const auto& source = ReferenceImages().at("source/" + parts[1]);
    CropBox box;
    ASSERT_EQ(std::sscanf(parts[3].c_str(), "%ld,%ld,%ld,%ld", &box.top, &box.left, &box.height, &box.width),
              4);
    const auto filter = parts[2] == "bicubic" ? ResampleFilter::kBicubic : ResampleFilter::kBilinear;
    EXPECT_LE(LargestDifference(Resized(source, box, expected, filter), expected), 1)
        << name << " to " << expected.height << "x" << expected.width;
  }
}

TEST(Resampler, ReadsInterleavedImages) {
  const auto& planar = ReferenceImages().at("source/rgb");
  std::vector<uint8_t> interleaved;
  for (int64_t i = 0; i < planar.plane_bytes(); ++i) {
    for (int64_t c = 0; c < 3; ++c) interleaved.push_back(planar.plane(c)[i]);
  }
  const ImageView interleaved_view{interleaved.data(), 3, planar.height, planar.width, true};
  const CropBox box{2, 5, 9, 11};
  Resampler resampler(9, 11, 13, 6, ResampleFilter::kBicubic);
  for (int64_t c = 0; c < 3; ++c) {
    std::vector<uint8_t> from_interleaved(13 * 6), from_planar(13 * 6);
    resampler.Run(Crop(interleaved_view.plane(c), box), from_interleaved.data());
    resampler.Run(Crop(planar.view().plane(c), box), from_planar.data());
    EXPECT_EQ(from_interleaved, from_planar);
  }
}

TEST(Resampler, KeepsAConstantImageAndPixelsOutsideTheCropDoNotLeakIn) {
  ByteImage image;
  image.Reshape(1, 12, 12);
  std::fill(image.pixels.begin(), image.pixels.end(), uint8_t{255});
  for (int64_t y = 4; y < 8; ++y) std::fill_n(image.plane(0) + y * 12 + 4, 4, uint8_t{9});
  for (const auto filter : {ResampleFilter::kBilinear, ResampleFilter::kBicubic}) {
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{2, 3}, {4, 4}, {9, 4}, {31, 17}}) {
      std::vector<uint8_t> out(static_cast<size_t>(height * width));
      Resampler(4, 4, height, width, filter).Run(Crop(image.view().plane(0), {4, 4, 4, 4}), out.data());
      EXPECT_THAT(out, Each(uint8_t{9}));
    }
  }
}

TEST(Resampler, AWindowIsThatPartOfTheWhole) {
  const auto& source = ReferenceImages().at("source/grey");
  const int64_t height = source.height, width = source.width;
  for (const auto& [out_height, out_width] :
       {std::pair{height, width}, {3 * height, 2 * width}, {height / 2, width}, {height, width / 3 + 4}}) {
    std::vector<uint8_t> whole(static_cast<size_t>(out_height * out_width));
    Resampler(height, width, out_height, out_width, ResampleFilter::kBicubic)
        .Run(source.view().plane(0), whole.data());
    const CropBox window{2, 3, out_height - 5, out_width - 4};
    std::vector<uint8_t> part(static_cast<size_t>(window.height * window.width));
    Resampler(height, width, out_height, out_width, ResampleFilter::kBicubic, window)
        .Run(source.view().plane(0), part.data());
    for (int64_t y = 0; y < window.height; ++y)
      EXPECT_TRUE(std::equal(part.begin() + y * window.width, part.begin() + (y + 1) * window.width,
                             whole.begin() + (y + window.top) * out_width + window.left));
  }
}

TEST(Resampler, SameSizeChangesNothing) {
  const auto& source = ReferenceImages().at("source/grey");
  std::vector<uint8_t> out(source.pixels.size());
  Resampler(source.height, source.width, source.height, source.width, ResampleFilter::kBicubic)
      .Run(source.view().plane(0), out.data());
  EXPECT_EQ(out, source.pixels);
}

// Without antialias an output pixel would see the two columns next to its centre alone, which are black.
TEST(Resampler, ShrinkingAveragesAllPixels) {
  ByteImage stripes;
  stripes.Reshape(1, 32, 32);
  for (int64_t i = 0; i < 32 * 32; ++i) {
    const int64_t column = i % 16;  // the centres of two output columns are before 8 and before 24
    stripes.plane(0)[i] = column == 7 || column == 8 ? 0 : 200;
  }
  for (const auto filter : {ResampleFilter::kBilinear, ResampleFilter::kBicubic}) {
    std::vector<uint8_t> out(4);
    Resampler(32, 32, 2, 2, filter).Run(stripes.view().plane(0), out.data());
    EXPECT_THAT(out, Each(Gt(140)));
  }
}

}  // namespace
}  // namespace mae
