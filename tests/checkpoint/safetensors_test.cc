#include "checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "tests/checkpoint/whole_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// A file with this header and so many bytes of data.
std::string FileWith(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data_bytes, '\0');
}

std::string Entry(const std::string& name, const std::string& dtype, const std::string& shape, int64_t begin,
                  int64_t end) {
  return absl::StrCat("\"", name, "\":{\"dtype\":\"", dtype, "\",\"shape\":", shape, ",\"data_offsets\":[",
                      begin, ",", end, "]}");
}

void ExpectRefused(const std::string& bytes, const std::string& reason) {
  EXPECT_THAT(ParseSafetensors(bytes), StatusIs(kInvalid, HasSubstr(reason)));
}

std::vector<std::string> NamesOf(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

TEST(Safetensors, EveryTypeComesBackBitForBit) {
  const auto bits = torch::randint(0, 256, {64}, torch::kUInt8);
  NamedTensors tensors;
  for (const auto type : {torch::kFloat64, torch::kInt64, torch::kFloat32, torch::kInt32, torch::kFloat16,
                          torch::kBFloat16, torch::kInt16, torch::kInt8, torch::kUInt8}) {
    tensors.emplace_back(c10::toString(type), bits.view(type).clone());
  }
  tensors.emplace_back("Bool", bits.remainder(2).to(torch::kBool));
  const auto bytes = SerializeSafetensors(tensors);
  ASSERT_THAT(bytes, IsOk());
  const auto read = ParseSafetensors(*bytes);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(NamesOf(read->tensors), NamesOf(tensors));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto &wanted = tensors[i].second, &got = read->tensors[i].second;
    EXPECT_EQ(got.scalar_type(), wanted.scalar_type()) << tensors[i].first;
    ASSERT_EQ(got.sizes(), wanted.sizes()) << tensors[i].first;
    EXPECT_EQ(std::memcmp(got.data_ptr(), wanted.data_ptr(), wanted.nbytes()), 0) << tensors[i].first;
  }
}

TEST(Safetensors, ScalarsEmptyTensorsAndStridesKeepShapeAndValue) {
  const auto matrix = torch::arange(6, torch::kFloat32).view({2, 3});
  const auto read = ParseSafetensors(*SerializeSafetensors(
      {{"scalar", torch::tensor(2.5F)}, {"empty", torch::empty({0, 3})}, {"transposed", matrix.t()}}));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->tensors[0].second.dim(), 0);
  EXPECT_EQ(read->tensors[0].second.item<float>(), 2.5F);
  EXPECT_THAT(read->tensors[1].second.sizes(), ElementsAre(0, 3));
  EXPECT_TRUE(torch::equal(read->tensors[2].second, matrix.t()));
  EXPECT_TRUE(read->tensors[2].second.is_contiguous());
}

TEST(Safetensors, WrittenHeaderIsTheFormatsOwn) {
  const auto bytes = SerializeSafetensors({{"a", torch::ones({2})}}, {{"step", "7"}});
  ASSERT_THAT(bytes, IsOk());
  const std::string header =
      R"({"__metadata__":{"format":"pt","step":"7"},"a":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}})";
  EXPECT_EQ(bytes->substr(8, header.size()), header);
  EXPECT_EQ(bytes->size() % 8, 0U);
  EXPECT_THAT(ParseSafetensors(*bytes)->metadata, ElementsAre(Pair("format", "pt"), Pair("step", "7")));
}

TEST(Safetensors, WiderTypesComeFirstSoThatEachTensorIsAligned) {
  const auto bytes = SerializeSafetensors({{"byte", torch::ones({1}, torch::kUInt8)},
                                           {"wide", torch::ones({1}, torch::kFloat64)},
                                           {"b", torch::ones({1})}});
  EXPECT_THAT(NamesOf(ParseSafetensors(*bytes)->tensors), ElementsAre("wide", "b", "byte"));
}

TEST(Safetensors, NothingIsAFileToo) {
  const auto read = ParseSafetensors(*SerializeSafetensors({}));
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->tensors, IsEmpty());
  EXPECT_THAT(ParseSafetensors(FileWith("{}", 0)), IsOk());
}

TEST(Safetensors, TensorsThatTheFormatLacksAreNotWritten) {
  const auto one = torch::ones({1});
  EXPECT_THAT(SerializeSafetensors({{"x", one}, {"x", one}}),
              StatusIs(kInvalid, HasSubstr("x: the name is given twice")));
  EXPECT_THAT(SerializeSafetensors({{"z", torch::ones({1}, torch::kComplexFloat)}}),
              StatusIs(kInvalid, HasSubstr("z: type ComplexFloat")));
  EXPECT_THAT(SerializeSafetensors({{"u", torch::Tensor()}}),
              StatusIs(kInvalid, HasSubstr("u: is undefined")));
  EXPECT_THAT(SerializeSafetensors({{"s", torch::eye(2).to_sparse()}}),
              StatusIs(kInvalid, HasSubstr("s: is not dense")));
  EXPECT_THAT(SerializeSafetensors({{"__metadata__", one}}), StatusIs(kInvalid, HasSubstr("__metadata__")));
  EXPECT_THAT(SerializeSafetensors({{"\xff", one}}), StatusIs(kInvalid, HasSubstr("UTF-8")));
}

TEST(Safetensors, LengthOfTheHeaderIsCheckedBeforeUse) {
  ExpectRefused("", "fewer than 8");
  ExpectRefused(std::string(7, '\0'), "fewer than 8");
  ExpectRefused(std::string(8, '\0'), "does not begin with {");
  ExpectRefused(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10), "above the format's 100000000");
  ExpectRefused(std::string("\0\0\0\0\0\0\0\x80{}", 10), "above the format's 100000000");
  ExpectRefused(std::string("\x03\0\0\0\0\0\0\0{}", 10), "does not fit");
}

TEST(Safetensors, HeaderThatIsNoJsonIsRefused) {
  ExpectRefused(FileWith(R"({"a":)", 0), "no JSON");
  ExpectRefused(FileWith("{} x", 0), "no JSON");
  ExpectRefused(FileWith(" {}", 0), "does not begin with {");
  ExpectRefused(FileWith("[]", 0), "does not begin with {");
  ExpectRefused(FileWith("{\"\xff\":1}", 0), "no JSON");
  ExpectRefused(FileWith(std::string(100000, '['), 0), "does not begin with {");
  ExpectRefused(FileWith("{\"a\":" + std::string(100000, '['), 0), "a list where an object must be");
}

TEST(Safetensors, NamesAndKeysMayStandOnceOnly) {
  const auto a = Entry("a", "U8", "[1]", 0, 1);
  ExpectRefused(FileWith("{" + a + "," + a + "}", 1), "tensor a: the name is given twice");
  ExpectRefused(FileWith(R"({"__metadata__":{},"__metadata__":{}})", 0), "given twice");
  ExpectRefused(FileWith(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "key k is given twice");
  ExpectRefused(FileWith(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
                "key dtype is given twice");
}

TEST(Safetensors, EntriesHaveTheThreeFieldsAndNoOthers) {
  ExpectRefused(FileWith(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1), "a: key dtype is missing");
  ExpectRefused(FileWith(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1), "a: key shape is missing");
  ExpectRefused(FileWith(R"({"a":{"dtype":"U8","shape":[1]}})", 1), "a: key data_offsets is missing");
  ExpectRefused(FileWith(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":[]}})", 1),
                "unknown key x");
  ExpectRefused(FileWith(R"({"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}})", 1),
                "dtype F8 is not supported");
  ExpectRefused(FileWith(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1), "not two numbers");
  ExpectRefused(FileWith(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}})", 1), "not two numbers");
}

TEST(Safetensors, ValuesOfAnotherKindAreRefused) {
  for (const char* value : {"null", "true", "7", "-7", "0.5", "\"x\"", "[]"}) {
    ExpectRefused(FileWith(absl::StrCat("{\"a\":", value, "}"), 0), "where an object must be");
  }
  for (const char* shape : {"1", "\"1\"", "[-1]", "[1.0]", "[1e0]", "[null]", "[[1]]", "[{}]", "[\"1\"]",
                            "{}", "true", "[18446744073709551616]"}) {
    ExpectRefused(FileWith("{" + Entry("a", "U8", shape, 0, 1) + "}", 1), "tensor a: ");
  }
  ExpectRefused(FileWith(R"({"__metadata__":{"k":1}})", 0), "no value of k");
  ExpectRefused(FileWith(R"({"__metadata__":{"k":{}}})", 0), "no value of k");
  ExpectRefused(FileWith("{" +
                             Entry(
                                 "a", "U8",
                                 "[1" + std::string(200, ' ') + ",1" +
                                     [] {
                                       std::string many;
                                       for (int i = 0; i < 63; ++i) many += ",1";
                                       return many;
                                     }() +
                                     "]",
                                 0, 1) +
                             "}",
                         1),
                "more than 64 numbers");
}

TEST(Safetensors, BytesAreThoseOfShapeAndType) {
  ExpectRefused(FileWith("{" + Entry("a", "F32", "[2]", 0, 7) + "}", 7),
                "hold 7 bytes, shape and dtype need 8");
  ExpectRefused(FileWith("{" + Entry("a", "F32", "[]", 0, 8) + "}", 8), "need 4");
  ExpectRefused(FileWith("{" + Entry("a", "U8", "[0]", 0, 1) + "}", 1), "need 0");
}

TEST(Safetensors, ShapesThatOverflowAreRefusedWithoutAllocating) {
  ExpectRefused(FileWith("{" + Entry("a", "F32", "[4294967296,4294967296]", 0, 0) + "}", 0), "overflows");
  ExpectRefused(FileWith("{" + Entry("a", "F64", "[2305843009213693952]", 0, 0) + "}", 0), "overflows");
  ExpectRefused(FileWith("{" + Entry("a", "U8", "[0,9223372036854775808]", 0, 0) + "}", 0), "overflows");
  ExpectRefused(FileWith("{" + Entry("a", "U8", "[9223372036854775807]", 0, 1) + "}", 1),
                "need 9223372036854775807");
}

TEST(Safetensors, OffsetsFillTheDataExactly) {
  const auto a = Entry("a", "U8", "[4]", 0, 4);
  ExpectRefused(FileWith("{" + a + "}", 3), "not inside the 3 bytes");
  ExpectRefused(FileWith("{" + a + "}", 5), "data has 5 bytes, the tensors need 4");
  ExpectRefused(FileWith("{" + a + "," + Entry("b", "U8", "[4]", 2, 6) + "}", 6),
                "b: data_offsets begin at 2");
  ExpectRefused(FileWith("{" + a + "," + Entry("b", "U8", "[4]", 5, 9) + "}", 9),
                "b: data_offsets begin at 5");
  ExpectRefused(FileWith("{" + a + "," + Entry("b", "U8", "[4]", 0, 4) + "}", 4), "begin at 0");
  ExpectRefused(FileWith("{" + Entry("a", "U8", "[4]", 1, 5) + "}", 5), "begin at 1");
  ExpectRefused(FileWith(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}})", 4), "not inside");
  ExpectRefused(FileWith(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]}})", 4),
                "not inside");
}

TEST(Safetensors, OrderIsThatOfTheBytesNotOfTheHeader) {
  const auto read = ParseSafetensors(
      FileWith("{" + Entry("late", "U8", "[2]", 2, 4) + "," + Entry("early", "U8", "[2]", 0, 2) + "}   ", 4));
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(NamesOf(read->tensors), ElementsAre("early", "late"));
}

TEST(Safetensors, BoolsAreZeroOrOne) {
  auto bytes = FileWith("{" + Entry("a", "BOOL", "[2]", 0, 2) + "}", 2);
  EXPECT_THAT(ParseSafetensors(bytes), IsOk());
  bytes.back() = 2;
  ExpectRefused(bytes, "neither 0 nor 1");
}

TEST(Safetensors, EveryTruncationAndExtensionIsRefused) {
  const auto bytes = *SerializeSafetensors({{"a", torch::ones({3})}, {"b", torch::ones({2}, torch::kInt16)}});
  ASSERT_THAT(ParseSafetensors(bytes), IsOk());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THAT(ParseSafetensors(std::string_view(bytes).substr(0, length)), StatusIs(kInvalid)) << length;
  }
  ExpectRefused(bytes + '\0', "something follows");
}

TEST(Safetensors, NoFlippedHeaderBitCrashesOrReadsBeyond) {
  const auto bytes = *SerializeSafetensors({{"a", torch::ones({3})}, {"b", torch::ones({2}, torch::kInt16)}});
  const size_t head = bytes.size() - 16;
  for (size_t bit = 0; bit < head * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto read = ParseSafetensors(flipped);
    if (read.ok()) continue;  // a changed letter of a name, say
    EXPECT_THAT(read, StatusIs(kInvalid)) << bit;
  }
}

TEST(SafetensorsFile, IsTheSerialisedBytesAndReturnsTheirHash) {
  const TempFolder folder;
  const NamedTensors tensors = {{"x", torch::randn({100, 30})}, {"n", torch::ones({}, torch::kInt64)}};
  const auto hash = WriteSafetensors(folder / "t.safetensors", tensors, {{"k", "v"}});
  ASSERT_THAT(hash, IsOk());
  const auto bytes = *SerializeSafetensors(tensors, {{"k", "v"}});
  EXPECT_EQ(Slurp(folder / "t.safetensors"), bytes);
  EXPECT_EQ(*hash, Sha256Hex(bytes));
  const auto read = ReadSafetensors(folder / "t.safetensors");
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(torch::equal(read->tensors[1].second, tensors[0].second));
}

TEST(SafetensorsFile, ErrorsNameThePath) {
  const TempFolder folder;
  EXPECT_THAT(ReadSafetensors(folder / "none"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none")));
  EXPECT_THAT(ReadSafetensors(folder.path()), StatusIs(kInvalid, HasSubstr("no regular file")));
  Spill(folder / "short", "abc");
  EXPECT_THAT(ReadSafetensors(folder / "short"), StatusIs(kInvalid, HasSubstr("/short: ")));
  EXPECT_THAT(WriteSafetensors(folder / "absent/t", {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent/t")));
}

TEST(SafetensorsFile, RefusedTensorsLeaveTheOldFileAndNothingBeside) {
  const TempFolder folder;
  Spill(folder / "t", "old");
  const auto one = torch::ones({1});
  EXPECT_THAT(WriteSafetensors(folder / "t", {{"x", one}, {"x", one}}), StatusIs(kInvalid));
  EXPECT_EQ(Slurp(folder / "t"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
}  // namespace mae
