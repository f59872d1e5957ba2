#include "models/asked_mask.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"

namespace {

constexpr int64_t kImages = 2;

mae::MaskedAutoencoderOptions TakeModel(mae::InputBytes& input) {
  mae::MaskedAutoencoderOptions model;
  model.encoder.patch_size = 1 + input.Take<uint8_t>() % 4;
  model.encoder.image_height = model.encoder.patch_size * (1 + input.Take<uint8_t>() % 24);
  model.encoder.image_width = model.encoder.patch_size * (1 + input.Take<uint8_t>() % 24);
  return model;
}

mae::ReconstructOptions TakeOptions(mae::InputBytes& input) {
  mae::ReconstructOptions options;
  options.mask_kind = static_cast<mae::MaskKind>(input.Take<uint8_t>() % 5);
  options.seed = input.Take<uint64_t>();
  const int ratios = input.Take<uint8_t>() % 4;
  for (int i = 0; i < ratios; ++i) options.mask_ratios.push_back(input.Take<double>());
  for (const char bit : input.Rest()) options.hidden.push_back((bit & 1) != 0);
  return options;
}

void CheckMade(const mae::Mask& mask, int64_t patches, bool hides_some) {
  FUZZ_REQUIRE(mask.keep.size(0) == kImages && mask.hidden.size(0) == kImages);
  FUZZ_REQUIRE(mask.keep.size(1) + mask.hidden.size(1) == patches);
  FUZZ_REQUIRE(mask.keep.size(1) >= 1 && (mask.hidden.size(1) >= 1) == hides_some);
  const auto order = torch::cat({mask.keep, mask.hidden}, 1);
  FUZZ_REQUIRE(std::get<0>(order.sort(1)).equal(torch::arange(patches).expand({kImages, patches})));
  FUZZ_REQUIRE(mask.mask.sum().item<double>() == static_cast<double>(kImages * mask.hidden.size(1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool one_thread = (torch::set_num_threads(1), true);
  static_cast<void>(one_thread);
  mae::InputBytes input(data, size);
  const auto model = TakeModel(input);
  const auto options = TakeOptions(input);
  if (const absl::Status status = mae::CheckMask(options, model); !status.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(status));
    return 0;
  }
  for (const double ratio : mae::RatiosOf(options, model)) {
    CheckMade(mae::MakeMask(options, model, ratio, kImages, torch::kCPU), model.encoder.num_patches(),
              options.mask_kind != mae::MaskKind::kNone);
  }
  return 0;
}
