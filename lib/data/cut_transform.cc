#include "data/cut_transform.h"

#include "data/normalised_values.h"

namespace mae {
namespace {

// Bits behind the point of a weight, as in image/resample.cc.
constexpr double kWeightOne = 1 << 22;

torch::Tensor CubicAt(const torch::Tensor& distance) {
  constexpr double a = -0.5;
  const auto x = distance.abs();
  const auto near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  const auto far = (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return torch::where(x < 1.0, near, torch::where(x < 2.0, far, torch::zeros_like(x)));
}

torch::Tensor TriangleAt(const torch::Tensor& distance) { return (1.0 - distance.abs()).clamp_min(0.0); }

// The weights that make `out` positions of the part [begin, begin + length) of a row of `in`, in fixed point.
// begin, length [B, 1, 1] float64 -> [B, out, in] float64, whole numbers.
torch::Tensor AxisWeights(const torch::Tensor& begin, const torch::Tensor& length, int64_t in, int64_t out,
                          Interpolation interpolation) {
  const bool cubic = interpolation == Interpolation::kBicubic;
  const auto options = length.options();
  // A tensor: devices divide by a number of the host by multiplying with its rounded inverse.
  const auto scale = length / torch::full({1}, static_cast<double>(out), options);
  const auto stretch = scale.clamp_min(1.0);
  const auto support = stretch * (cubic ? 2.0 : 1.0);
  const auto center = (torch::arange(out, options).view({1, out, 1}) + 0.5) * scale;
  const auto first = (center - support + 0.5).trunc().clamp_min(0.0);
  const auto end = torch::minimum((center + support + 0.5).trunc(), length);
  const auto at = torch::arange(in, options).view({1, 1, in}) - begin;
  const auto distance = (at - center + 0.5) / stretch;
  const auto inside = at.ge(first).logical_and(at.lt(end));
  const auto exact =
      torch::where(inside, cubic ? CubicAt(distance) : TriangleAt(distance), torch::zeros_like(distance));
  const auto total = exact.sum(-1, /*keepdim=*/true);
  const auto weights = torch::where(total.ne(0.0), exact / total, exact);
  return (weights.abs() * kWeightOne + 0.5).floor() * weights.sign();
}

torch::Tensor ToBytes(const torch::Tensor& sums) {
  return ((sums + kWeightOne / 2) * (1.0 / kWeightOne)).floor().clamp(0.0, 255.0);
}

}  // namespace

CutTransform::CutTransform(const ImageTransformOptions& options, const std::vector<double>& mean,
                           const std::vector<double>& std_dev, const torch::Device& device)
    : options_(options) {
  const auto channels = static_cast<int64_t>(mean.size());
  TORCH_CHECK(mean.size() == std_dev.size(), "mean has ", mean.size(), " values and std_dev ",
              std_dev.size());
  auto tables = torch::empty({channels, 256}, torch::kFloat32);
  for (int64_t c = 0; c < channels; ++c) {
    auto table = NormalisedValues(mean[c], std_dev[c]);
    tables[c].copy_(torch::from_blob(table.data(), {256}, torch::kFloat32));
  }
  tables_ = tables.to(device);
  channels_ =
      torch::arange(channels, torch::TensorOptions(torch::kLong).device(device)).view({1, channels, 1, 1});
}

torch::Tensor CutTransform::Resized(const torch::Tensor& images, const torch::Tensor& cuts) const {
  const auto b = images.size(0), c = images.size(1), h = images.size(2), w = images.size(3);
  const auto interpolation = options_.augmentation.random_resized_crop->interpolation;
  const auto boxes = cuts.to(torch::kFloat64).view({b, Batch::kCutNumbers, 1, 1});
  const auto across = AxisWeights(boxes.select(1, 1), boxes.select(1, 3), w, options_.width, interpolation);
  const auto down = AxisWeights(boxes.select(1, 0), boxes.select(1, 2), h, options_.height, interpolation);
  const auto pixels = images.to(torch::kFloat64).view({b, c * h, w});
  const auto rows = ToBytes(pixels.bmm(across.transpose(1, 2))).view({b, c, h, options_.width});
  const auto columns = rows.transpose(1, 2).reshape({b, h, c * options_.width});
  return ToBytes(down.bmm(columns)).view({b, options_.height, c, options_.width}).transpose(1, 2);
}

torch::Tensor CutTransform::Apply(const torch::Tensor& images, const torch::Tensor& cuts) const {
  const torch::NoGradGuard no_grad;
  const bool crops = options_.augmentation.random_resized_crop.has_value();
  const auto bytes = (crops ? Resized(images, cuts) : images).to(torch::kLong);
  const auto mirror = cuts.select(1, 4).view({-1, 1, 1, 1}).ne(0);
  return tables_.index({channels_, torch::where(mirror, bytes.flip(3), bytes)});
}

}  // namespace mae
