#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/codec.h"

/// Images that stay encoded on the disk until they are needed: sets larger than memory, of any mix of sizes.
/// Torch-free.
namespace mae {

/// The most bytes of one encoded image.
inline constexpr int64_t kMaxEncodedImageBytes = int64_t{64} << 20;
/// The most classes of a dataset, so that a wild label can't ask for memory.
inline constexpr int64_t kMaxDatasetClasses = 1'000'000;
/// The most pixels of one image, height times width.
inline constexpr int64_t kMaxDatasetImagePixels = int64_t{100'000'000};

/// Where the images of a split lie: whole files, or stretches of archives. A plain value; concurrent reads
/// through it are safe.
struct EncodedImages {
  struct Place {
    int32_t file = 0;  ///< index into `files`
    int64_t offset = 0, bytes = 0;
  };
  std::vector<std::string> files;  ///< paths: a plain string takes a fifth of the memory of a path
  /// Empty, or one for each file: what is kept of it in memory, which the places point into then.
  std::vector<std::shared_ptr<const std::string>> contents = {};
  std::vector<Place> places;    ///< an image each
  std::vector<int64_t> labels;  ///< an image each, in 0 .. classes-1

  int64_t count() const { return static_cast<int64_t>(places.size()); }
  /// For errors and people.
  std::string NameOf(int64_t index) const;
};

/// Both splits and what the labels mean.
struct EncodedDataset {
  std::vector<std::string> labels;
  EncodedImages train, validation;
  /// How many there are in all, which may be more than were asked for.
  int64_t train_images = 0, validation_images = 0;
};

/// The bytes of one image as they lie on the disk. NOT_FOUND, or INVALID_ARGUMENT (truncated, too large),
/// naming the image.
absl::StatusOr<std::string> ReadEncodedImage(const EncodedImages& images, int64_t index);

/// The image as 8-bit grey (1 channel) or RGB (3), upright. INVALID_ARGUMENT names the image that can't be
/// decoded and says what is wrong with it.
absl::StatusOr<Picture> DecodeEncodedImage(const EncodedImages& images, int64_t index, int64_t channels);

/// What a set of encoded images has in common.
struct EncodedShape {
  int64_t channels = 3;           ///< 1 if every image of the sample is grey, else 3
  int64_t height = 0, width = 0;  ///< of every image of the sample; 0 if they differ
};
/// Decodes at most 64 images spread evenly over the first `among`. INVALID_ARGUMENT names one that can't be
/// decoded. Of no images: one channel and no size.
absl::StatusOr<EncodedShape> SampleShape(const EncodedImages& images, int64_t among);

/// Keeps the first `limit` images; 0: all.
void KeepFirst(EncodedImages& images, int64_t limit);

}  // namespace mae
