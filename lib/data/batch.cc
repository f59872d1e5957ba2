#include "data/batch.h"

#include <algorithm>
#include <utility>

#include "data/image_picture.h"
#include "data/normalised_values.h"

namespace mae {
namespace {

ImageTransformOptions Completed(ImageTransformOptions options, const ImageSet& images,
                                const std::vector<double>& mean) {
  options.mean = mean;
  if (options.height == 0) options.height = images.height;
  if (options.width == 0) options.width = images.width;
  return options;
}

// An image at its own size; `decoded` keeps one that is encoded alive.
ImageView SourceOf(const ImageSet& images, int64_t index, std::shared_ptr<const Picture>& decoded) {
  if (!images.encoded) return {images.image(index), images.channels, images.height, images.width};
  auto picture = DecodedPictureOf(images, index);
  TORCH_CHECK(picture.ok(), picture.status().message(), "; remove or mend it, then resume the job");
  decoded = *std::move(picture);
  return decoded->view();
}

}  // namespace

BatchMaker::BatchMaker(const ImageSet& images, const std::vector<double>& mean,
                       const std::vector<double>& std_dev, ImageTransformOptions transform)
    : images_(images), transform_(Completed(std::move(transform), images, mean), images.channels) {
  const auto channels = static_cast<size_t>(images.channels);
  TORCH_CHECK(mean.size() == channels && std_dev.size() == channels, "images have ", channels,
              " channels, but mean has ", mean.size(), " values and std_dev ", std_dev.size());
  for (size_t c = 0; c < channels; ++c) {
    TORCH_CHECK(std_dev[c] > 0, "std_dev must be above 0, but that of channel ", c, " is ", std_dev[c]);
    tables_.push_back(NormalisedValues(mean[c], std_dev[c]));
  }
}

Batch BatchMaker::Make(absl::Span<const int64_t> indices, int64_t epoch) const {
  const auto size = static_cast<int64_t>(indices.size());
  Batch batch;
  batch.indices.assign(indices.begin(), indices.end());
  batch.images =
      torch::empty({size, images_.channels, transform_.height(), transform_.width()}, torch::kFloat32);
  batch.labels = torch::empty({size}, torch::kInt64);
  float* const out = batch.images.data_ptr<float>();
  int64_t* const labels = batch.labels.data_ptr<int64_t>();
  const int64_t values = images_.channels * transform_.height() * transform_.width();
  ImageTransform::Workspace work;
  std::shared_ptr<const Picture> decoded;
  for (int64_t i = 0; i < size; ++i) {
    const int64_t index = indices[i];
    const ImageView source = SourceOf(images_, index, decoded);
    Normalise(transform_.Apply(source, epoch, index, work), out + i * values);
    transform_.Erase(out + i * values, epoch, index);
    labels[i] = images_.labels[index];
  }
  return batch;
}

void BatchMaker::Normalise(const ImageTransform::Result& image, float* out) const {
  const int64_t height = transform_.height(), width = transform_.width();
  const uint8_t* pixels = image.planes;
  for (const std::array<float, 256>& table : tables_) {
    for (int64_t row = 0; row < height; ++row) {
      std::transform(pixels, pixels + width, out, [&table](uint8_t pixel) { return table[pixel]; });
      if (image.mirror) std::reverse(out, out + width);
      pixels += width;
      out += width;
    }
  }
}

}  // namespace mae
