#include "server/oip_tensors.h"

#include <limits>

#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

using inference::ModelInferRequest;
using testing::FloatNear;
using testing::Pointwise;
using testing::SizeIs;

class OipTensorsTest : public OipTest {
 protected:
  // What the model makes of a flat picture, whichever way that came.
  std::vector<float> LogitsOf(ModelInferRequest request) {
    request.set_model_name("cats");
    request.add_outputs()->set_name("logits");
    return ValuesOf<float>(MustInfer(request), "logits");
  }
};

TEST_F(OipTensorsTest, EveryWayToSendAPictureGivesTheSameAnswer) {
  const std::vector<float> expected = LogitsOf(PngRequest("cats"));
  ASSERT_THAT(expected, SizeIs(3));
  const std::string bytes(96 * 3, 90);
  const float value = (90 / 255.0F - 0.25F) / 0.5F;  // 0.2058…
  ModelInferRequest pixels, floats, typed, typed_png, typed_floats;
  AddRaw("pixels", "UINT8", {1, 8, 12, 3}, bytes, pixels);
  AddRaw("pixel_values", "FP32", {1, 3, 8, 12}, RawValues(std::vector<float>(288, value)), floats);
  AddRaw("pixels", "UINT8", {1, 8, 12, 3}, "", typed);
  AddRaw("images", "BYTES", {1, 1}, "", typed_png);
  AddRaw("pixel_values", "FP32", {1, 3, 8, 12}, "", typed_floats);
  for (auto* request : {&typed, &typed_png, &typed_floats}) request->clear_raw_input_contents();
  for (const char byte : bytes) typed.mutable_inputs(0)->mutable_contents()->add_uint_contents(byte);
  typed_png.mutable_inputs(0)->mutable_contents()->add_bytes_contents(PngImage(8, 12, 3).encoded());
  for (int i = 0; i < 288; ++i) typed_floats.mutable_inputs(0)->mutable_contents()->add_fp32_contents(value);
  for (const auto& request : {pixels, floats, typed, typed_png, typed_floats}) {
    EXPECT_THAT(LogitsOf(request), Pointwise(FloatNear(1e-5F), expected));
  }
}

TEST_F(OipTensorsTest, HalfPrecisionValuesAreReadExactly) {
  // 0.25 has no rounding in either type.
  ModelInferRequest floats, half, brain;
  AddRaw("pixel_values", "FP32", {1, 3, 8, 12}, RawValues(std::vector<float>(288, 0.25F)), floats);
  AddRaw("pixel_values", "FP16", {1, 3, 8, 12}, RawValues(std::vector<uint16_t>(288, 0x3400)), half);
  AddRaw("pixel_values", "BF16", {1, 3, 8, 12}, RawValues(std::vector<uint16_t>(288, 0x3E80)), brain);
  const auto expected = LogitsOf(floats);
  EXPECT_EQ(LogitsOf(half), expected);
  EXPECT_EQ(LogitsOf(brain), expected);
}

TEST_F(OipTensorsTest, TheMaskCanBeGiven) {
  const std::string mask = {1, 0, 0, 1, 1, 1};
  for (const auto& shape : {std::vector<int64_t>{6}, {1, 6}}) {
    auto request = PngRequest("mae");
    AddRaw("mask", "BOOL", shape, mask, request);
    EXPECT_EQ(MustInfer(request).raw_output_contents(1), mask);
  }
  auto request = PngRequest("mae");
  AddRaw("mask", "BOOL", {5}, mask.substr(1), request);
  ExpectRefused(Refusal(request), "mask", "expected [6]");
  request = PngRequest("mae");
  AddRaw("mask", "BOOL", {6}, std::string(6, 1), request);
  ExpectRefused(Refusal(request), "mask", "hides 6 of 6");
  *request.mutable_raw_input_contents(1) = mask;
  SetInt(request, "seed", 1);
  ExpectRefused(Refusal(request), "mask", "leave either out");
}

TEST_F(OipTensorsTest, TheMaskCanBeTyped) {
  inference::ModelInferRequest request;
  request.set_model_name("mae");
  request.add_outputs()->set_name("mask");
  AddRaw("images", "BYTES", {1}, "", request);
  AddRaw("mask", "BOOL", {6}, "", request);
  request.clear_raw_input_contents();
  request.mutable_inputs(0)->mutable_contents()->add_bytes_contents(PngImage(8, 12, 1).encoded());
  for (const bool hidden : {false, false, true, true, false, true}) {
    request.mutable_inputs(1)->mutable_contents()->add_bool_contents(hidden);
  }
  EXPECT_EQ(MustInfer(request).raw_output_contents(0), (std::string{0, 0, 1, 1, 0, 1}));
}

TEST_F(OipTensorsTest, BadTensorsAreNamed) {
  const auto png = RawTexts({PngImage(8, 12, 3).encoded()});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const int64_t huge = int64_t{1} << 40;
  const struct {
    std::string name, datatype;
    std::vector<int64_t> shape;
    std::string bytes, field, message;
  } cases[] = {
      {"image", "BYTES", {1}, png, "inputs", "it takes images, pixels, pixel_values"},
      {"mask", "BOOL", {6}, std::string(6, 1), "inputs", "no \"mask\""},
      {"images", "UINT8", {1}, png, "images", "expected BYTES"},
      {"images", "STRING", {1}, png, "images", "\"STRING\""},
      {"images", "BYTES", {}, png, "images", "expected [n]"},
      {"images", "BYTES", {1, 2}, RawTexts({"", ""}), "images", "[1, 2]"},
      {"images", "BYTES", {-1}, png, "images", "[-1]"},
      {"images", "BYTES", {huge, huge, huge}, png, "images", "is none"},
      {"images", "BYTES", {0}, "", "images", "0 images"},
      {"images", "BYTES", {5}, RawTexts({"", "", "", "", ""}), "images", "1 to 4"},
      {"images", "BYTES", {2}, png, "images", "before value 1"},
      {"images", "BYTES", {1}, png + "x", "images", "1 bytes behind"},
      {"images", "BYTES", {1}, png.substr(0, 20), "images", "16 are left"},
      {"images", "BYTES", {1}, RawTexts({"no picture"}), "images[0]", ""},
      {"images", "BYTES", {1}, RawTexts({PngImage(101, 100, 1).encoded()}), "images[0]", "10000"},
      {"pixels", "UINT8", {1, 8, 12}, std::string(96, 0), "pixels", "[n, H, W, C]"},
      {"pixels", "UINT8", {1, 8, 12, 2}, std::string(192, 0), "pixels", "2 channels"},
      {"pixels", "UINT8", {1, 101, 100, 1}, std::string(10100, 0), "pixels", "10000"},
      {"pixels", "UINT8", {1, 8, 12, 1}, std::string(95, 0), "pixels", "holds 95 bytes"},
      {"pixels", "UINT8", {1, huge, huge, 1}, "", "pixels", "is none"},
      {"pixel_values", "FP64", {1, 3, 8, 12}, "", "pixel_values", "FP32, FP16, BF16"},
      {"pixel_values", "FP32", {1, 3, 8, 8}, std::string(768, 0), "pixel_values", "[n, 3, 8, 12]"},
      {"pixel_values", "FP32", {0, 3, 8, 12}, "", "pixel_values", "0 images"},
      {"pixel_values",
       "FP32",
       {1, 3, 8, 12},
       RawValues(std::vector<float>(288, nan)),
       "pixel_values[0]",
       "finite"},
  };
  for (const auto& one : cases) {
    ModelInferRequest request;
    request.set_model_name("cats");
    AddRaw(one.name, one.datatype, one.shape, one.bytes, request);
    ExpectRefused(Refusal(request), one.field, one.message);
  }
}

TEST_F(OipTensorsTest, InputsMustBeThereOnceAndOneWay) {
  ModelInferRequest none;
  none.set_model_name("cats");
  ExpectRefused(Refusal(none), "inputs", "exactly one");
  auto two = PngRequest("cats");
  AddRaw("pixels", "UINT8", {1, 8, 12, 3}, std::string(288, 0), two);
  ExpectRefused(Refusal(two), "inputs", "exactly one");
  auto twice = PngRequest("cats");
  AddRaw("images", "BYTES", {1}, twice.raw_input_contents(0), twice);
  ExpectRefused(Refusal(twice), "inputs", "twice");
  auto mixed = PngRequest("cats");
  mixed.mutable_inputs(0)->mutable_contents()->add_bytes_contents("x");
  ExpectRefused(Refusal(mixed), "raw_input_contents", "one or the other");
  auto missing = PngRequest("cats");
  missing.add_inputs()->set_name("pixels");
  ExpectRefused(Refusal(missing), "raw_input_contents", "1 entries for 2 inputs");
  auto shared = PngRequest("cats");
  (*shared.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("r");
  ExpectRefused(Refusal(shared), "images", "no shared memory");
}

TEST_F(OipTensorsTest, TypedContentsMustBeOfTheirType) {
  ModelInferRequest request;
  request.set_model_name("cats");
  AddRaw("pixels", "UINT8", {1, 1, 1, 1}, "", request);
  request.clear_raw_input_contents();
  auto& contents = *request.mutable_inputs(0)->mutable_contents();
  ExpectRefused(Refusal(request), "pixels", "contents.uint_contents holds 0 values");
  contents.add_uint_contents(256);
  ExpectRefused(Refusal(request), "pixels", "256 is no UINT8");
  contents.add_fp32_contents(1);
  ExpectRefused(Refusal(request), "pixels", "contents.uint_contents alone");
  request.mutable_inputs(0)->set_name("pixel_values");
  request.mutable_inputs(0)->set_datatype("FP16");
  ExpectRefused(Refusal(request), "pixel_values", "raw_input_contents");
}

}  // namespace
}  // namespace mae
