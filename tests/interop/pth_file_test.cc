#include "interop/pth_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/interop/pickle_bytes.h"
#include "tests/interop/reference_folder.h"
#include "tests/interop/zip_writer.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr auto kBadPth = absl::StatusCode::kInvalidArgument;

class PthFileTest : public testing::Test {
 protected:
  absl::StatusOr<NamedTensors> Read(const std::string& bytes) {
    EXPECT_THAT(WriteFileDurably(folder_ / "a.pth", bytes), IsOk());
    return ReadPth(folder_ / "a.pth");
  }
  // {"w": a tensor over storage 0, whose record holds these floats}
  absl::StatusOr<NamedTensors> ReadOne(const std::string& tensor, size_t floats) {
    return Read(TorchZipOf(PickledStateDict(tensor), {{"0", std::string(floats * 4, '\0')}}));
  }

  TempFolder folder_;
};

std::map<std::string, torch::Tensor> ByName(const NamedTensors& tensors) {
  return {tensors.begin(), tensors.end()};
}

// What torch.save wrote: an OrderedDict, one within a training file with optimizer and Namespace, a plain
// dict.
TEST(PthFixtures, StateDictsOfTorchAreReadBitForBit) {
  for (const char* file : {"bare.pth", "training.pth", "plain.pth"}) {
    const auto read = ReadPth(InteropReference() / file);
    ASSERT_THAT(read, IsOk()) << file;
    const auto tensors = ByName(*read);
    ASSERT_EQ(tensors.size(), 5U) << file;
    const auto grid = torch::arange(6, torch::kFloat).reshape({2, 3});
    EXPECT_TRUE(torch::equal(tensors.at("weight"), grid));
    EXPECT_TRUE(torch::equal(tensors.at("turned"), grid.t())) << "strides are honoured";
    EXPECT_TRUE(tensors.at("turned").is_contiguous());
    EXPECT_EQ(tensors.at("scale").dim(), 0);
    EXPECT_EQ(tensors.at("scale").item<float>(), 0.5F);
    EXPECT_EQ(tensors.at("halves").scalar_type(), torch::kBFloat16);
    EXPECT_EQ(tensors.at("halves")[1].item<float>(), -2.0F);
    EXPECT_EQ(tensors.at("count").item<int64_t>(), 7);
  }
}

TEST(PthFixtures, TensorsThatShareAStorageStayWhatTheyAre) {
  const auto read = ReadPth(InteropReference() / "shared.pth");
  // Twice the values of one storage is more than the file may claim, unless the file has room for it.
  ASSERT_THAT(read, IsOk());
  const auto tensors = ByName(*read);
  EXPECT_TRUE(torch::equal(tensors.at("first"), torch::arange(4, torch::kFloat)));
  EXPECT_TRUE(torch::equal(tensors.at("last"), torch::arange(4, 8, torch::kFloat)));
}

TEST(PthFixtures, FilesOfBeforeZipAreRefusedWithARemedy) {
  EXPECT_THAT(ReadPth(InteropReference() / "before-1.6.pth"),
              StatusIs(kBadPth, AllOf(HasSubstr("before 1.6"), HasSubstr("save it again"))));
}

TEST_F(PthFileTest, APickleThatWouldRunACommandIsRefusedAndRunsNothing) {
  const auto mark = (folder_ / "owned").string();
  for (const std::string call : {"cposix\nsystem\n", "cos\nsystem\n", "cbuiltins\neval\n"}) {
    const auto read = Read(TorchZipOf(PickleOf(call + PickledText("touch " + mark) + "\x85R"), {}));
    EXPECT_THAT(read, StatusIs(kBadPth, AllOf(HasSubstr("a.pth"), HasSubstr("refused"))));
  }
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(PthFileTest, OffsetsSizesAndStridesBeyondTheStorageAreRefused) {
  ASSERT_THAT(ReadOne(PickledTensor("0", 4, 0, PickledTuple({2, 2}), PickledTuple({2, 1})), 4), IsOk());
  constexpr int64_t kHuge = int64_t{1} << 62;
  const std::string bad[] = {
      PickledTensor("0", 4, 1, PickledTuple({4}), PickledTuple({1})),
      PickledTensor("0", 4, 0, PickledTuple({5}), PickledTuple({1})),
      PickledTensor("0", 4, 0, PickledTuple({2, 2}), PickledTuple({3, 1})),
      PickledTensor("0", 4, -1, PickledTuple({2}), PickledTuple({1})),
      PickledTensor("0", 4, 0, PickledTuple({-2}), PickledTuple({1})),
      PickledTensor("0", 4, 0, PickledTuple({2}), PickledTuple({-1})),
      PickledTensor("0", 4, 0, PickledTuple({kHuge, kHuge}), PickledTuple({1, 1})),
      PickledTensor("0", 4, 0, PickledTuple({3}), PickledTuple({kHuge})),
      PickledTensor("0", 4, kHuge, PickledTuple({1}), PickledTuple({1})),
      PickledTensor("0", 4, 0, PickledTuple({2}), PickledTuple({1, 1})),
  };
  for (const auto& tensor : bad) EXPECT_THAT(ReadOne(tensor, 4), StatusIs(kBadPth, HasSubstr("tensor w")));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(ReadOne(bad[i], 4), StatusIs(kBadPth, HasSubstr("of a storage of 4")))
        << "found before LibTorch does";
  }
}

TEST_F(PthFileTest, StoragesThatLieAboutTheirLengthAreRefused) {
  for (const int64_t claimed : {int64_t{3}, int64_t{5}, int64_t{1} << 40, int64_t{1} << 62}) {
    EXPECT_THAT(ReadOne(PickledTensor("0", claimed, 0, PickledTuple({1}), PickledTuple({1})), 4),
                StatusIs(kBadPth, HasSubstr("in a record of 16 bytes")));
  }
  EXPECT_THAT(ReadOne(PickledTensor("0", 4, 0, PickledTuple({1}), PickledTuple({1}), "DoubleStorage"), 4),
              StatusIs(kBadPth, HasSubstr("in a record of 16 bytes")));
  EXPECT_THAT(ReadOne(PickledTensor("1", 4, 0, PickledTuple({1}), PickledTuple({1})), 4),
              StatusIs(kBadPth, HasSubstr("no record data/1")));
}

// Stride 0 makes much of one value.
TEST_F(PthFileTest, TensorsTogetherHoldNoMoreThanTheFile) {
  EXPECT_THAT(ReadOne(PickledTensor("0", 4, 0, PickledTuple({int64_t{1} << 40}), PickledTuple({0})), 4),
              StatusIs(kBadPth, HasSubstr("hold more than")));
  std::string many = "}(";
  for (int i = 0; i < 20; ++i) {
    many += PickledText(std::to_string(i)) +
            PickledTensor("0", 100'000, 0, PickledTuple({100'000}), PickledTuple({1}));
  }
  EXPECT_THAT(Read(TorchZipOf(PickleOf(many + "u"), {{"0", std::string(400'000, '\0')}})),
              StatusIs(kBadPth, HasSubstr("hold more than")));
}

TEST_F(PthFileTest, ArchivesThatHoldNoStateDictSaySo) {
  EXPECT_THAT(Read(ZipOf({{"a/b", "x"}})), StatusIs(kBadPth, HasSubstr("no data.pkl")));
  EXPECT_THAT(Read(TorchZipOf(PickleOf("K\x01"), {})), StatusIs(kBadPth, HasSubstr("no state dict")));
  EXPECT_THAT(Read(ZipOf({{"a/data.pkl", PickleOf("}")}, {"a/byteorder", "big"}})),
              StatusIs(kBadPth, HasSubstr("byte order is big")));
  EXPECT_THAT(
      Read(TorchZipOf(
          PickleOf("}(" + PickledText("w") + PickledTensor("0", 1, 0, PickledTuple({1}), PickledTuple({1})) +
                   PickledText("w") + PickledTensor("0", 1, 0, PickledTuple({1}), PickledTuple({1})) + "u"),
          {{"0", std::string(4, '\0')}})),
      StatusIs(kBadPth, HasSubstr("given twice")));
  EXPECT_THAT(ReadPth(folder_ / "none.pth"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(PthFileTest, DamagedRecordsAreFound) {
  ZipPart record{"a/data/0", std::string(16, '\1')};
  record.claimed_crc32 = 0;
  const auto pickle = PickledStateDict(PickledTensor("0", 4, 0, PickledTuple({4}), PickledTuple({1})));
  EXPECT_THAT(Read(ZipOf({{"a/data.pkl", pickle}, record})),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged")));
}

TEST_F(PthFileTest, WhatIsWrittenIsRead) {
  const NamedTensors tensors = {{"a", torch::randn({3, 4})},
                                {"turned", torch::randn({4, 3}).t()},
                                {"scalar", torch::tensor(2.5)},
                                {"none", torch::empty({0, 3})},
                                {"halves", torch::randn({5}).to(torch::kHalf)},
                                {"counts", torch::arange(3)}};
  std::string bytes;
  ASSERT_THAT(WritePth(tensors,
                       [&bytes](std::string_view piece) {
                         bytes.append(piece);
                         return absl::OkStatus();
                       }),
              IsOk());
  const auto read = Read(bytes);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ((*read)[i].first, tensors[i].first);
    EXPECT_EQ((*read)[i].second.scalar_type(), tensors[i].second.scalar_type());
    EXPECT_TRUE(torch::equal((*read)[i].second, tensors[i].second)) << tensors[i].first;
  }
}

TEST_F(PthFileTest, ErrorsOfTheSinkAndUnknownTypesAreGiven) {
  const auto full = [](std::string_view) { return absl::ResourceExhaustedError("disk full"); };
  EXPECT_THAT(WritePth({{"a", torch::zeros({3})}}, full),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk full")));
  EXPECT_THAT(WritePth({{"a", torch::zeros({3}, torch::kComplexFloat)}}, full),
              StatusIs(kBadPth, HasSubstr("tensor a")));
}

}  // namespace
}  // namespace mae
