#include "data/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/data/file_bytes.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kTrainImages[] = "train-images-idx3-ubyte";
constexpr char kTrainLabels[] = "train-labels-idx1-ubyte";
constexpr char kTestImages[] = "t10k-images-idx3-ubyte";
constexpr char kTestLabels[] = "t10k-labels-idx1-ubyte";

class Idx : public testing::TestWithParam<IdxPacking> {
 protected:
  // Five training images and three validation images of 4 rows by 6 columns, three classes.
  void SetUp() override { WriteIdxDataset(folder_.path(), 5, 3, 4, 6, 3, GetParam()); }

  std::filesystem::path File(const std::string& stem) const {
    return folder_ / (GetParam() == IdxPacking::kGz ? stem + ".gz" : stem);
  }
  // Replaces what is in a file, packed as the others.
  void SetContent(const std::string& stem, const std::string& bytes) const {
    GetParam() == IdxPacking::kGz ? SetGzBytes(File(stem), bytes) : SetFileBytes(File(stem), bytes);
  }
  // What the file of a plain twin of the dataset holds.
  std::string PlainContent(const std::string& stem) const {
    TempFolder plain;
    WriteIdxDataset(plain.path(), 5, 3, 4, 6, 3);
    return FileBytes(plain / stem);
  }
  void ExpectLoadRefuses(const std::string& message_part) const {
    EXPECT_THAT(LoadIdx(folder_.path(), Split::kTrain, 0),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(message_part)));
  }
  void ExpectBothRefuse(const std::string& message_part) const {
    ExpectLoadRefuses(message_part);
    EXPECT_THAT(InspectIdx(folder_.path()), StatusIs(StatusCode::kInvalidArgument, HasSubstr(message_part)));
  }

  TempFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Packings, Idx, testing::Values(IdxPacking::kPlain, IdxPacking::kGz),
                         [](const auto& p) { return p.param == IdxPacking::kPlain ? "Plain" : "Gz"; });

TEST_P(Idx, InspectTellsShapeCountsAndClasses) {
  const absl::StatusOr<DatasetInfo> info = InspectIdx(folder_.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->format, "idx");
  EXPECT_EQ(info->train_images, 5);
  EXPECT_EQ(info->validation_images, 3);
  EXPECT_EQ(info->channels, 1);
  EXPECT_EQ(info->height, 4);
  EXPECT_EQ(info->width, 6);
  EXPECT_THAT(info->labels, ElementsAre("0", "1", "2"));
}

TEST_P(Idx, LoadGivesPixelsAndLabelsInFileOrder) {
  const absl::StatusOr<ImageSet> set = LoadIdx(folder_.path(), Split::kTrain, 0);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->count, 5);
  EXPECT_EQ(set->image_bytes(), 24);
  EXPECT_THAT(set->labels, ElementsAre(0, 1, 2, 0, 1));
  EXPECT_EQ(std::string(set->pixels.begin(), set->pixels.end()), PlainContent(kTrainImages).substr(16));
}

TEST_P(Idx, ValidationSplitIsTheTestFiles) {
  const absl::StatusOr<ImageSet> set = LoadIdx(folder_.path(), Split::kValidation, 0);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->count, 3);
  EXPECT_EQ(std::string(set->pixels.begin(), set->pixels.end()), PlainContent(kTestImages).substr(16));
}

TEST_P(Idx, LimitTakesTheFirstImages) {
  const absl::StatusOr<ImageSet> set = LoadIdx(folder_.path(), Split::kTrain, 2);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->count, 2);
  EXPECT_THAT(set->labels, ElementsAre(0, 1));
  EXPECT_EQ(std::string(set->pixels.begin(), set->pixels.end()), PlainContent(kTrainImages).substr(16, 48));
}

TEST_P(Idx, AVisitGivesTheChosenImagesAsALoadDoes) {
  const ImageSet set = LoadIdx(folder_.path(), Split::kTrain, 0).value();
  std::vector<int64_t> indices;
  const auto visit = [&](int64_t index, int64_t label, const ImageView& image) {
    indices.push_back(index);
    EXPECT_EQ(label, set.labels[index]);
    EXPECT_EQ(image.channels, 1);
    EXPECT_EQ(image.height, 4);
    EXPECT_EQ(image.width, 6);
    EXPECT_TRUE(std::equal(image.pixels, image.pixels + 24, set.image(index)));
    return absl::OkStatus();
  };
  EXPECT_THAT(VisitIdx(folder_.path(), Split::kTrain, {}, visit), IsOk());
  EXPECT_THAT(VisitIdx(folder_.path(), Split::kTrain, {1, 2, 4}, visit), IsOk());
  EXPECT_THAT(indices, ElementsAre(0, 1, 2, 3, 4, 1, 3));
}

TEST_P(Idx, AVisitOfAllReadsToTheEnd) {
  SetContent(kTrainImages, PlainContent(kTrainImages) + "x");
  const auto nothing = [](int64_t, int64_t, const ImageView&) { return absl::OkStatus(); };
  EXPECT_THAT(VisitIdx(folder_.path(), Split::kTrain, {}, nothing), StatusIs(StatusCode::kInvalidArgument));
}

TEST_P(Idx, AnErrorEndsAVisit) {
  int visits = 0;
  const auto refuse = [&visits](int64_t, int64_t, const ImageView&) {
    ++visits;
    return absl::AbortedError("enough");
  };
  EXPECT_THAT(VisitIdx(folder_.path(), Split::kTrain, {}, refuse), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(visits, 1);
}

TEST_P(Idx, LimitAboveTheCountTakesAll) {
  const absl::StatusOr<ImageSet> set = LoadIdx(folder_.path(), Split::kTrain, 6);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->count, 5);
  EXPECT_EQ(set->pixels.size(), 5U * 24U);
}

TEST_P(Idx, NamesTheFileThatIsMissing) {
  for (const char* stem : {kTrainImages, kTrainLabels, kTestImages, kTestLabels}) {
    const std::string kept = FileBytes(File(stem));
    std::filesystem::remove(File(stem));
    EXPECT_TRUE(HasIdxFiles(folder_.path()));
    EXPECT_THAT(InspectIdx(folder_.path()), StatusIs(StatusCode::kNotFound, HasSubstr(stem)));
    SetFileBytes(File(stem), kept);
  }
}

TEST_P(Idx, RefusesLabelsInPlaceOfImages) {
  SetContent(kTrainImages, PlainContent(kTrainLabels));
  ExpectBothRefuse("magic number 0x00000801; IDX images start with 0x00000803");
}

TEST_P(Idx, RefusesImagesInPlaceOfLabels) {
  SetContent(kTrainLabels, PlainContent(kTrainImages));
  ExpectBothRefuse("magic number 0x00000803; IDX labels start with 0x00000801");
}

TEST_P(Idx, RefusesAHeaderCutShort) {
  SetContent(kTrainImages, PlainContent(kTrainImages).substr(0, 15));
  ExpectBothRefuse("is truncated");
}

TEST_P(Idx, RefusesAnEmptyFile) {
  SetFileBytes(File(kTrainImages), "");
  ExpectBothRefuse("is truncated");
}

TEST_P(Idx, RefusesContentCutShort) {
  SetContent(kTrainImages, PlainContent(kTrainImages).substr(0, 16 + 5 * 24 - 1));
  ExpectLoadRefuses(GetParam() == IdxPacking::kGz ? "is truncated"
                                                  : "has 135 bytes, but 5 images of 4x6 would be 136 bytes");
}

TEST_P(Idx, RefusesContentThatGoesOn) {
  SetContent(kTrainImages, PlainContent(kTrainImages) + "x");
  ExpectLoadRefuses(GetParam() == IdxPacking::kGz ? "goes on after the end" : "has 137 bytes");
}

TEST_P(Idx, RefusesLabelsThatAreNotAsManyAsImages) {
  std::string labels = PlainContent(kTrainLabels);
  labels[7] = 4;
  labels.pop_back();
  SetContent(kTrainLabels, labels);
  ExpectBothRefuse("has 4 labels, but 'train-images-idx3-ubyte' beside it has 5 images");
}

TEST_P(Idx, RefusesAClaimThatTheFileCannotHold) {
  std::string images = PlainContent(kTrainImages);
  images[4] = 0x01;  // 16,777,221 images
  SetContent(kTrainImages, images);
  ExpectBothRefuse("but 16777221 images of 4x6 would be 402653320 bytes");
}

TEST_P(Idx, RefusesZeroImages) {
  std::string images = PlainContent(kTrainImages);
  images[7] = 0;
  SetContent(kTrainImages, images);
  ExpectBothRefuse("gives 0 as its image count; 1 to ");
}

TEST_P(Idx, RefusesSidesOutOfRange) {
  std::string images = PlainContent(kTrainImages);
  images[11] = 0;
  SetContent(kTrainImages, images);
  ExpectBothRefuse("gives 0 as its image height; 1 to 8192 is possible");
  images[12] = 0x7F;
  images[11] = 4;
  SetContent(kTrainImages, images);
  ExpectBothRefuse("as its image width; 1 to 8192 is possible");
}

TEST_P(Idx, RefusesSplitsOfDifferentSize) {
  TempFolder other;
  WriteIdxDataset(other.path(), 5, 3, 6, 4, 3);
  SetContent(kTestImages, FileBytes(other / kTestImages));
  EXPECT_THAT(InspectIdx(folder_.path()),
              StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("4x6"), HasSubstr("6x4"))));
}

TEST_P(Idx, RefusesAFolderInPlaceOfAFile) {
  std::filesystem::remove(File(kTrainImages));
  std::filesystem::create_directory(File(kTrainImages));
  ExpectBothRefuse("is not a regular file");
}

class IdxGz : public testing::Test {
 protected:
  void SetUp() override { WriteIdxDataset(folder_.path(), 50, 3, 28, 28, 10, IdxPacking::kGz); }
  absl::Status Load(int64_t limit = 0) const {
    return LoadIdx(folder_.path(), Split::kTrain, limit).status();
  }
  const TempFolder folder_;
  const std::filesystem::path images_ = folder_ / "train-images-idx3-ubyte.gz";
  const std::filesystem::path labels_ = folder_ / "train-labels-idx1-ubyte.gz";
};

TEST_F(IdxGz, RefusesDataCutInTheMiddle) {
  CutOff(images_, 2000);
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument,
                               AllOf(HasSubstr(images_.string()), HasSubstr("damaged gzip data"))));
}

TEST_F(IdxGz, RefusesAMissingTrailer) {
  CutOff(images_, 5);
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("damaged gzip data")));
}

TEST_F(IdxGz, RefusesAWrongChecksum) {
  FlipBit(images_, static_cast<int64_t>(std::filesystem::file_size(images_)) - 8);
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("incorrect data check")));
}

TEST_F(IdxGz, RefusesAFlippedBitAnywhere) {
  const auto size = static_cast<int64_t>(std::filesystem::file_size(images_));
  for (int64_t offset = 20; offset < size; offset += size / 40) {
    FlipBit(images_, offset);
    EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument)) << "at " << offset;
    FlipBit(images_, offset);
  }
  EXPECT_THAT(Load(), IsOk());
}

TEST_F(IdxGz, RefusesDamagedLabelsAlreadyAtInspection) {
  FlipBit(labels_, static_cast<int64_t>(std::filesystem::file_size(labels_)) - 8);
  EXPECT_THAT(InspectIdx(folder_.path()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(labels_.string())));
}

TEST_F(IdxGz, LimitReadsNoFurtherThanItsImages) {
  CutOff(images_, 2000);
  EXPECT_THAT(Load(1), IsOk());
}

TEST_F(IdxGz, AContentThatIsPlainUnderAGzNameIsReadAsPlain) {
  WriteIdxDataset(folder_.path(), 50, 3, 28, 28, 10, IdxPacking::kPlain);
  std::filesystem::rename(folder_ / "train-images-idx3-ubyte", images_);
  EXPECT_THAT(Load(), IsOk());
}

TEST(IdxFiles, NoneInAnEmptyOrMissingFolder) {
  TempFolder folder;
  EXPECT_FALSE(HasIdxFiles(folder.path()));
  EXPECT_FALSE(HasIdxFiles(folder / "nowhere"));
}

}  // namespace
}  // namespace mae
