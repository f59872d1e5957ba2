#include "image/resample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "image/byte_image.h"
#include "tests/augment/reference_images.h"

namespace mae {
namespace {

using testing::Each;
using testing::Gt;

PlaneView ViewOf(const ByteImage& image, int64_t channel) {
  return {image.plane(channel), image.height, image.width, image.width, 1};
}

ByteImage Resized(const ByteImage& image, const PlaneView& box, int64_t top, int64_t left,
                  const ByteImage& like, ResampleFilter filter) {
  ByteImage out;
  out.Reshape(like.channels, like.height, like.width);
  Resampler resampler(box.height, box.width, out.height, out.width, filter);
  for (int64_t c = 0; c < out.channels; ++c)
    resampler.Run(Crop(ViewOf(image, c), top, left, box.height, box.width), out.plane(c));
  return out;
}

TEST(Resampler, EqualsPillowToOneGreyLevel) {
  const auto names = ReferenceNames("resample/");
  ASSERT_EQ(names.size(), 2U * 2 * 8);
  for (const auto& name : names) {
    const auto parts = NameParts(name);  // resample, picture, filter, box
    const auto& expected = ReferenceImages().at(name);
    const auto& source = ReferenceImages().at("source/" + parts[1]);
    long top = 0, left = 0, height = 0, width = 0;
    ASSERT_EQ(std::sscanf(parts[3].c_str(), "%ld,%ld,%ld,%ld", &top, &left, &height, &width), 4);
    const auto filter = parts[2] == "bicubic" ? ResampleFilter::kBicubic : ResampleFilter::kBilinear;
    const PlaneView box{nullptr, height, width, 0, 1};
    EXPECT_LE(LargestDifference(Resized(source, box, top, left, expected, filter), expected), 1)
        << name << " to " << expected.height << "x" << expected.width;
  }
}

TEST(Resampler, ReadsInterleavedImages) {
  const auto& planar = ReferenceImages().at("source/rgb");
  std::vector<uint8_t> interleaved;
  for (int64_t i = 0; i < planar.plane_bytes(); ++i) {
    for (int64_t c = 0; c < 3; ++c) interleaved.push_back(planar.plane(c)[i]);
  }
  Resampler resampler(9, 11, 13, 6, ResampleFilter::kBicubic);
  for (int64_t c = 0; c < 3; ++c) {
    const PlaneView whole{interleaved.data() + c, planar.height, planar.width, 3 * planar.width, 3};
    std::vector<uint8_t> from_interleaved(13 * 6), from_planar(13 * 6);
    resampler.Run(Crop(whole, 2, 5, 9, 11), from_interleaved.data());
    resampler.Run(Crop(ViewOf(planar, c), 2, 5, 9, 11), from_planar.data());
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
      Resampler(4, 4, height, width, filter).Run(Crop(ViewOf(image, 0), 4, 4, 4, 4), out.data());
      EXPECT_THAT(out, Each(uint8_t{9}));
    }
  }
}

TEST(Resampler, SameSizeChangesNothing) {
  const auto& source = ReferenceImages().at("source/grey");
  std::vector<uint8_t> out(source.pixels.size());
  Resampler(source.height, source.width, source.height, source.width, ResampleFilter::kBicubic)
      .Run(ViewOf(source, 0), out.data());
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
    Resampler(32, 32, 2, 2, filter).Run(ViewOf(stripes, 0), out.data());
    EXPECT_THAT(out, Each(Gt(140)));
  }
}

}  // namespace
}  // namespace mae
