#include "interop/import_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::HasSubstr;

constexpr auto kWrong = absl::StatusCode::kInvalidArgument;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct WrongOption {
  std::function<void(ImportOptions&)> set;
  std::string text;
};

TEST(CheckImportOptions, WhatIsRightOrLeftOpenIsTaken) {
  EXPECT_THAT(CheckImportOptions({}), IsOk());
  ImportOptions options;
  options.num_heads = 1, options.decoder_num_heads = 16, options.image_height = 1, options.image_width = 4096;
  options.layer_norm_eps = 1e-12, options.mask_ratio = 0.75;
  options.mean = {0, -1}, options.std_dev = {1, 0.5}, options.labels = {"cat", "Cat", "cat "};
  EXPECT_THAT(CheckImportOptions(options), IsOk());
}

TEST(CheckImportOptions, EachFaultIsOfItsOption) {
  using O = ImportOptions;
  const WrongOption cases[] = {
      {[](O& o) { o.num_heads = 0; }, "num_heads: 0 heads"},
      {[](O& o) { o.num_heads = INT64_MAX; }, "num_heads: 9223372036854775807 heads"},
      {[](O& o) { o.decoder_num_heads = -1; }, "decoder_num_heads: -1 heads"},
      {[](O& o) { o.image_height = 4097; }, "image_height: 4097x4097 pixels; a side has 1 to 4096"},
      {[](O& o) { o.image_height = 8, o.image_width = 0; }, "image_height: 8x0"},
      {[](O& o) { o.layer_norm_eps = 0; }, "layer_norm_eps: is 0"},
      {[](O& o) { o.layer_norm_eps = kNan; }, "layer_norm_eps: is nan"},
      {[](O& o) { o.mask_ratio = 1; }, "mask_ratio: is 1; must be above 0 and below 1"},
      {[](O& o) { o.mask_ratio = kNan; }, "mask_ratio: is nan"},
      {[](O& o) {
         o.mean = {0.5, kInfinity};
       },
       "mean: holds inf"},
      {[](O& o) {
         o.std_dev = {0.5, 0};
       },
       "std: holds 0; must be finite numbers above 0"},
      {[](O& o) { o.std_dev = {kNan}; }, "std: holds nan"},
      {[](O& o) {
         o.labels = {"a", ""};
       },
       "labels: class 1 has an empty name"},
      {[](O& o) { o.labels = {" "}; }, "labels: class 0 has an empty name"}};
  for (const auto& wrong : cases) {
    ImportOptions options;
    wrong.set(options);
    const auto checked = CheckImportOptions(options);
    EXPECT_THAT(checked, StatusIs(kWrong, HasSubstr(wrong.text)));
    EXPECT_EQ(checked.message().find(wrong.text), 0U) << checked;
  }
}

TEST(CheckImportOptions, AFilesFaultIsOfItsKey) {
  ImportOptions options;
  options.num_heads = 0;
  options.origins = {{"num_heads", "config.json: num_attention_heads"}};
  EXPECT_THAT(CheckImportOptions(options),
              StatusIs(kWrong, HasSubstr("config.json: num_attention_heads: 0")));
}

}  // namespace
}  // namespace mae
