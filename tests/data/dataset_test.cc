#include "data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/data/file_bytes.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Dataset, AKnownNameBringsItsLabelsMeanAndDeviation) {
  const TempFolder folder;
  WriteIdxDataset(folder.path(), 4, 2, 8, 8, 2);
  const absl::StatusOr<DatasetInfo> info = InspectDataset("Fashion_MNIST", folder.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->name, "Fashion_MNIST");
  EXPECT_EQ(info->path, folder.path());
  EXPECT_THAT(info->labels, SizeIs(10));
  EXPECT_EQ(info->labels[9], "Ankle boot");
  EXPECT_THAT(info->mean, ElementsAre(0.2860));
  EXPECT_THAT(info->std_dev, ElementsAre(0.3530));
}

TEST(Dataset, AnUnknownNameHasNumbersForLabels) {
  const TempFolder folder;
  WriteIdxDataset(folder.path(), 4, 3, 8, 8, 3);
  const absl::StatusOr<DatasetInfo> info = InspectDataset("stripes", folder.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(info->labels, ElementsAre("0", "1", "2"));
  EXPECT_THAT(info->mean, IsEmpty()) << "left to MeasurePixels";
  EXPECT_THAT(info->std_dev, IsEmpty());
}

TEST(Dataset, MeasuresThePixelsOfAnUnknownOneOnce) {
  const TempFolder folder;
  WriteIdxDataset(folder.path(), 6, 3, 8, 8, 3);
  absl::StatusOr<DatasetInfo> info = InspectDataset("stripes", folder.path());
  ASSERT_THAT(info, IsOk());
  ASSERT_THAT(MeasurePixels(*info), IsOk());
  const ImageSet images = LoadSplit("idx", folder.path(), Split::kTrain, 0).value();
  double sum = 0, squares = 0;
  for (const uint8_t pixel : images.pixels) sum += pixel / 255.0;
  const double mean = sum / static_cast<double>(images.pixels.size());
  for (const uint8_t pixel : images.pixels) squares += (pixel / 255.0 - mean) * (pixel / 255.0 - mean);
  ASSERT_THAT(info->mean, SizeIs(1));
  EXPECT_NEAR(info->mean[0], mean, 1e-9);
  EXPECT_NEAR(info->std_dev[0], std::sqrt(squares / static_cast<double>(images.pixels.size())), 1e-9);
  info->mean[0] = 0.25;
  ASSERT_THAT(MeasurePixels(*info), IsOk());
  EXPECT_EQ(info->mean[0], 0.25) << "what is known stays";
}

TEST(Dataset, CifarFormatsAreFoundByTheirFiles) {
  const TempFolder ten, hundred;
  WriteCifar10Dataset(ten.path(), 2);
  WriteCifar100Dataset(hundred.path(), 2, 1);
  const absl::StatusOr<DatasetInfo> cifar10 = InspectDataset("CIFAR-10", ten.path());
  ASSERT_THAT(cifar10, IsOk());
  EXPECT_EQ(cifar10->labels[0], "airplane");
  EXPECT_THAT(cifar10->mean, ElementsAre(0.4914, 0.4822, 0.4465));
  const absl::StatusOr<DatasetInfo> cifar100 = InspectDataset("cifar100", hundred.path());
  ASSERT_THAT(cifar100, IsOk());
  EXPECT_EQ(cifar100->labels[99], "worm");
  EXPECT_THAT(cifar100->std_dev, ElementsAre(0.2673, 0.2564, 0.2762));
}

TEST(Dataset, AKnownNameOverAnotherFormatBringsNothing) {
  const TempFolder folder;
  WriteCifar10Dataset(folder.path(), 2);
  const absl::StatusOr<DatasetInfo> info = InspectDataset("mnist", folder.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->labels[0], "0");
  EXPECT_THAT(info->mean, IsEmpty());
}

TEST(Dataset, RefusesALabelThatAKnownDatasetDoesNotHave) {
  const TempFolder folder;
  WriteIdxDataset(folder.path(), 12, 2, 8, 8, 11);
  EXPECT_THAT(InspectDataset("mnist", folder.path()),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("uses label 10"), HasSubstr("mnist has labels 0 to 9"))));
  EXPECT_THAT(InspectDataset("eleven", folder.path()), IsOk());
}

TEST(Dataset, SaysThatAPathIsNotThere) {
  const TempFolder folder;
  EXPECT_THAT(InspectDataset("clothes", folder / "nowhere"),
              StatusIs(StatusCode::kNotFound, AllOf(HasSubstr("clothes"), HasSubstr("nowhere"))));
}

TEST(Dataset, ListsTheFilesItLooksForWhenItFindsNone) {
  const TempFolder folder;
  EXPECT_THAT(InspectDataset("clothes", folder.path()),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("train-images-idx3-ubyte"), HasSubstr("cifar-10-binary.tar.gz"),
                             HasSubstr("cifar-100-binary.tar.gz"))));
}

TEST(Dataset, LoadSplitGoesByFormat) {
  const TempFolder folder;
  WriteIdxDataset(folder / "idx", 4, 2, 8, 8, 2);
  WriteCifar10Dataset(folder / "cifar10", 2);
  WriteCifar100Dataset(folder / "cifar100", 5, 1);
  const auto train_count = [&](const std::string& format) {
    const absl::StatusOr<ImageSet> set = LoadSplit(format, folder / format, Split::kTrain, 0);
    return set.ok() ? set->count : -1;
  };
  EXPECT_EQ(train_count("idx"), 4);
  EXPECT_EQ(train_count("cifar10"), 10);
  EXPECT_EQ(train_count("cifar100"), 5);
}

TEST(Dataset, LoadSplitRefusesAnUnknownFormat) {
  EXPECT_THAT(LoadSplit("webp", "/", Split::kTrain, 0),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'webp'"), HasSubstr("idx, cifar10, cifar100"))));
}

}  // namespace
}  // namespace mae
