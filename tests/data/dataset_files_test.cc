#include "tests/fakes/dataset_files.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "data/dataset.h"
#include "tests/data/file_bytes.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

int64_t Distance(const ImageSet& a, int64_t i, const ImageSet& b, int64_t j) {
  int64_t distance = 0;
  for (int64_t p = 0; p < a.image_bytes(); ++p) distance += std::abs(a.image(i)[p] - b.image(j)[p]);
  return distance;
}

// Of the first images of a set, one a class, the label of the nearest.
int64_t NearestLabel(const ImageSet& examples, const ImageSet& set, int64_t image) {
  int64_t nearest = 0;
  for (int64_t label = 1; label < 10; ++label) {
    if (Distance(examples, label, set, image) < Distance(examples, nearest, set, image)) nearest = label;
  }
  return nearest;
}

TEST(DatasetFiles, ClassesCanBeToldApart) {
  const TempFolder folder;
  WriteIdxDataset(folder.path(), 10, 30);
  const ImageSet train = LoadSplit("idx", folder.path(), Split::kTrain, 0).value();
  const ImageSet validation = LoadSplit("idx", folder.path(), Split::kValidation, 0).value();
  for (int64_t i = 0; i < validation.count; ++i) {
    EXPECT_EQ(NearestLabel(train, validation, i), validation.labels[i]) << i;
    EXPECT_GT(Distance(train, validation.labels[i], validation, i), 0) << "noise differs";
  }
}

TEST(DatasetFiles, TheSameArgumentsGiveTheSameBytes) {
  const TempFolder a, b;
  WriteCifar10Dataset(a.path(), 2);
  WriteCifar10Dataset(b.path(), 2);
  EXPECT_EQ(FileBytes(a / "data_batch_5.bin"), FileBytes(b / "data_batch_5.bin"));
}

}  // namespace
}  // namespace mae
