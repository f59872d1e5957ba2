#include "server/dataset_store.h"

#include <chrono>
#include <fstream>

#include "tests/data/picture_files.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

class DatasetStoreTest : public testing::Test {
 protected:
  DatasetStoreTest() { WriteIdxDataset(folder_ / "fashion", 20, 10); }

  std::unique_ptr<DatasetStore> Store() {
    auto store = DatasetStore::Create({{"fashion", folder_ / "fashion"}, {"broken", folder_ / "nowhere"}},
                                      folder_ / "datasets");
    EXPECT_THAT(store, IsOk());
    return *std::move(store);
  }

  TempFolder folder_;
};

TEST_F(DatasetStoreTest, FindsByEitherFormOfName) {
  const auto store = Store();
  for (const char* name : {"fashion", "datasets/fashion"}) {
    const auto info = store->Find(name);
    ASSERT_THAT(info, IsOk());
    EXPECT_EQ(info->name, "fashion");
    EXPECT_EQ(info->train_images, 20);
    EXPECT_EQ(info->validation_images, 10);
  }
}

TEST_F(DatasetStoreTest, UnknownNamesAreToldTheNearest) {
  EXPECT_THAT(Store()->Find("fashoin"), StatusIs(StatusCode::kNotFound, HasSubstr("'fashion'")));
  EXPECT_THAT(Store()->Find("../etc\n"), StatusIs(StatusCode::kNotFound, HasSubstr("../etc\\n")));
}

TEST_F(DatasetStoreTest, ABrokenOneGivesItsErrorAndStaysListed) {
  const auto store = Store();
  EXPECT_THAT(store->Find("broken"), StatusIs(StatusCode::kNotFound, HasSubstr("nowhere")));
  const auto entries = store->List();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "broken");
  EXPECT_FALSE(entries[0].info.ok());
  EXPECT_THAT(entries[1].info, IsOk());
}

TEST_F(DatasetStoreTest, FoldersThatComeWhileItRunsAreSeen) {
  const auto store = Store();
  EXPECT_THAT(store->Find("mine"), StatusIs(StatusCode::kNotFound));
  WriteIdxDataset(folder_ / "datasets" / "mine", 4, 2);
  fs::create_directories(folder_ / "datasets" / "Not A Name");
  std::ofstream(folder_ / "datasets" / "file") << "x";
  EXPECT_THAT(store->Find("mine"), IsOk());
  EXPECT_EQ(store->List().size(), 3U);
  fs::remove_all(folder_ / "datasets" / "mine");
  EXPECT_THAT(store->Find("mine"), StatusIs(StatusCode::kNotFound));
}

TEST_F(DatasetStoreTest, ABrokenOneThatWasRepairedIsReadAgain) {
  const auto store = Store();
  EXPECT_FALSE(store->Find("broken").ok());
  WriteIdxDataset(folder_ / "nowhere", 4, 2);
  EXPECT_THAT(store->Find("broken"), IsOk());
}

TEST_F(DatasetStoreTest, AChangedFolderIsReadAgain) {
  const auto store = Store();
  EXPECT_EQ(store->Find("fashion")->train_images, 20);
  fs::remove_all(folder_ / "fashion");
  WriteIdxDataset(folder_ / "fashion", 30, 10);
  fs::last_write_time(folder_ / "fashion", fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(store->Find("fashion")->train_images, 30);
}

TEST_F(DatasetStoreTest, AnImageThatComesToAClassIsSeen) {
  const fs::path pets = folder_ / "datasets" / "pets", cats = pets / "train" / "cat";
  WriteCatsAndDogs(pets);
  const auto store = Store();
  EXPECT_EQ(store->Find("pets")->train_images, 6);
  WritePng(cats / "another.png", 8, 8, {255, 0, 0});
  fs::last_write_time(cats, fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(store->Find("pets")->train_images, 7);
}

TEST_F(DatasetStoreTest, TheConfigurationsWinOverAFolderOfTheSameName) {
  WriteIdxDataset(folder_ / "datasets" / "fashion", 4, 2);
  EXPECT_EQ(Store()->Find("fashion")->train_images, 20);
}

TEST_F(DatasetStoreTest, ConfiguredNamesAreChecked) {
  for (const char* name : {"", "a/b", "Fashion", "-x", "datasets/x"}) {
    EXPECT_THAT(DatasetStore::Create({{name, folder_.path()}}, folder_ / "datasets"),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("datasets: ")));
  }
}

}  // namespace
}  // namespace mae
