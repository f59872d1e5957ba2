#include "data/batch.h"

#include <algorithm>

#include "data/image_picture.h"

namespace mae {
namespace {

std::array<float, 256> NormalisedValues(double mean, double std_dev) {
  std::array<float, 256> table{};
  for (int pixel = 0; pixel < 256; ++pixel)
    table[pixel] = static_cast<float>((pixel / 255.0 - mean) / std_dev);
  return table;
}

}  // namespace

BatchMaker::BatchMaker(const ImageSet& images, const std::vector<double>& mean,
                       const std::vector<double>& std_dev)
    : images_(images) {
  const auto channels = static_cast<size_t>(images.channels);
  TORCH_CHECK(mean.size() == channels && std_dev.size() == channels, "images have ", channels,
              " channels, but mean has ", mean.size(), " values and std_dev ", std_dev.size());
  for (size_t c = 0; c < channels; ++c) {
    TORCH_CHECK(std_dev[c] > 0, "std_dev must be above 0, but that of channel ", c, " is ", std_dev[c]);
    tables_.push_back(NormalisedValues(mean[c], std_dev[c]));
  }
}

Batch BatchMaker::Make(absl::Span<const int64_t> indices, absl::FunctionRef<bool(int64_t)> flips) const {
  const auto size = static_cast<int64_t>(indices.size());
  Batch batch;
  batch.indices.assign(indices.begin(), indices.end());
  batch.images = torch::empty({size, images_.channels, images_.height, images_.width}, torch::kFloat32);
  batch.labels = torch::empty({size}, torch::kInt64);
  float* const out = batch.images.data_ptr<float>();
  int64_t* const labels = batch.labels.data_ptr<int64_t>();
  std::vector<uint8_t> decoded;
  for (int64_t i = 0; i < size; ++i) {
    Normalise(Planes(indices[i], decoded), flips(indices[i]), out + i * images_.image_bytes());
    labels[i] = images_.labels[indices[i]];
  }
  return batch;
}

const uint8_t* BatchMaker::Planes(int64_t index, std::vector<uint8_t>& decoded) const {
  if (!images_.encoded) return images_.image(index);
  const auto picture = PictureOf(images_, index);
  TORCH_CHECK(picture.ok(), picture.status().message(), "; remove or mend it, then resume the job");
  const auto fitted = CoverAndCrop(*picture, images_.height, images_.width);
  TORCH_CHECK(fitted.ok(), fitted.status().message());
  decoded.resize(static_cast<size_t>(images_.image_bytes()));
  auto* out = decoded.data();
  for (int64_t c = 0; c < images_.channels; ++c) {
    for (auto i = static_cast<size_t>(c); i < fitted->pixels.size();
         i += static_cast<size_t>(images_.channels))
      *out++ = fitted->pixels[i];
  }
  return decoded.data();
}

void BatchMaker::Normalise(const uint8_t* image, bool flip, float* out) const {
  for (const std::array<float, 256>& table : tables_) {
    for (int64_t row = 0; row < images_.height; ++row) {
      std::transform(image, image + images_.width, out, [&table](uint8_t pixel) { return table[pixel]; });
      if (flip) std::reverse(out, out + images_.width);
      image += images_.width;
      out += images_.width;
    }
  }
}

}  // namespace mae
