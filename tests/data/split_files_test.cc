#include "data/split_files.h"

#include <gmock/gmock.h>

#include "tests/data/picture_files.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SplitFilesTest : public testing::Test {
 protected:
  void Touch(const std::string& name) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    SetFileBytes(folder_ / name, "");
  }

  TempFolder folder_;
};

TEST_F(SplitFilesTest, GoByTheirNamesInAnyCase) {
  for (const char* name :
       {"b-train.tar", "A-Train.TAR", "x-validation.tar", "train.txt", ".train.tar", "other.tar"})
    Touch(name);
  const auto files = FindSplitFiles({folder_.path()}, ".tar");
  EXPECT_THAT(files.train, ElementsAre(folder_ / "A-Train.TAR", folder_ / "b-train.tar"));
  EXPECT_THAT(files.validation, ElementsAre(folder_ / "x-validation.tar"));
}

TEST_F(SplitFilesTest, TestIsForValidationOnlyWhereNothingElseIs) {
  Touch("test.tar");
  EXPECT_THAT(FindSplitFiles({folder_.path()}, ".tar").validation, ElementsAre(folder_ / "test.tar"));
  Touch("val.tar");
  EXPECT_THAT(FindSplitFiles({folder_.path()}, ".tar").validation, ElementsAre(folder_ / "val.tar"));
}

TEST_F(SplitFilesTest, FoldersNeedNotBeThereAndAreNotWalked) {
  Touch("deep/train.tar");
  EXPECT_THAT(FindSplitFiles({folder_.path(), folder_ / "data"}, ".tar").train, IsEmpty());
  EXPECT_THAT(FindSplitFiles({folder_.path(), folder_ / "deep"}, ".tar").train,
              ElementsAre(folder_ / "deep/train.tar"));
}

}  // namespace
}  // namespace mae
