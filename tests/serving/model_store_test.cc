#include "serving/model_store.h"

#include <cerrno>
#include <fstream>
#include <thread>

#include "base/joined_thread.h"
#include "tests/fakes/faulty_files.h"
#include "tests/serving/model_store_fixture.h"

namespace mae {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST_F(ModelStoreTest, PublishMovesTheFolderInAsTheNextVersion) {
  const auto first = Published("a", "m");
  EXPECT_EQ(first.resource_name(), "models/m/versions/1");
  EXPECT_EQ(first.folder, data_ / "models" / "m" / "1");
  EXPECT_TRUE(fs::exists(first.folder / "model.safetensors"));
  EXPECT_FALSE(fs::exists(data_ / "jobs-a" / "export"));
  EXPECT_EQ(first.config, TinyAutoencoder());
  EXPECT_EQ(first.card.dataset, "fashion-mnist");
  EXPECT_EQ(Published("b", "m").version, 2);
  EXPECT_EQ(Published("c", "other").version, 1);
}

TEST_F(ModelStoreTest, ResolvesEveryFormOfName) {
  Published("a", "m", {"prod"});
  Published("b", "m", {"candidate"});
  const std::pair<const char*, int64_t> cases[] = {{"m", 2},           {"models/m", 2},
                                                   {"m@latest", 2},    {"models/m@prod", 1},
                                                   {"m@candidate", 2}, {"models/m/versions/1", 1}};
  for (const auto& [name, version] : cases) {
    const auto resolved = store_->Resolve(name);
    ASSERT_THAT(resolved, IsOk());
    EXPECT_EQ(resolved->version, version) << name;
  }
}

TEST_F(ModelStoreTest, AliasesMoveToTheNewVersion) {
  Published("a", "m", {"prod", "best"});
  Published("b", "m", {"prod"});
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("best", 1), Pair("latest", 2), Pair("prod", 2)));
}

TEST_F(ModelStoreTest, LatestIsNoAliasToPublishUnder) {
  EXPECT_THAT(store_->Publish(Export("a"), "m", {{"latest"}, ""}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("publish.aliases: \"latest\"")));
  EXPECT_TRUE(store_->List()->empty());
}

TEST_F(ModelStoreTest, UnknownNamesAreToldTheNearest) {
  EXPECT_THAT(store_->Resolve("m"), StatusIs(StatusCode::kNotFound, HasSubstr("no model was published yet")));
  Published("a", "fashion", {"prod"});
  EXPECT_THAT(store_->Resolve("fashoin"), StatusIs(StatusCode::kNotFound, HasSubstr("'fashion'")));
  EXPECT_THAT(store_->Resolve("fashion@prd"), StatusIs(StatusCode::kNotFound, HasSubstr("'prod'")));
  EXPECT_THAT(store_->Resolve("fashion/versions/7"),
              StatusIs(StatusCode::kNotFound, AllOf(HasSubstr("no version 7"), HasSubstr("it has 1"))));
  EXPECT_THAT(store_->Get("fash"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(store_->Acquire("nothing"), StatusIs(StatusCode::kNotFound));
}

TEST_F(ModelStoreTest, BadNamesAreRefusedBeforeAnythingMoves) {
  const auto folder = Export("a");
  for (const char* name : {"../m", "", "M", "a/b"}) {
    EXPECT_THAT(store_->Publish(folder, name, {}),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("publish.model")));
  }
  EXPECT_THAT(store_->Publish(folder, "m", {{"ok", "not ok"}, ""}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("publish.aliases")));
  EXPECT_TRUE(fs::exists(folder / "model.safetensors"));
  EXPECT_THAT(store_->List(), IsOkAndHolds(IsEmpty()));
}

TEST_F(ModelStoreTest, PublishingAJobTwiceGivesTheSameVersion) {
  const auto folder = Export("a");
  ASSERT_THAT(store_->Publish(folder, "m", {}), IsOk());
  for (int restart = 0; restart < 2; ++restart) {
    const auto again = store_->Publish(folder, "m", {});  // the folder has gone
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->version, 1);
    Open();
  }
  const auto copy = store_->Publish(Export("a"), "m", {});  // the same job wrote it once more
  ASSERT_THAT(copy, IsOk());
  EXPECT_EQ(copy->version, 1);
  EXPECT_EQ(store_->Get("m")->versions.size(), 1U);
}

TEST_F(ModelStoreTest, FoldersThatNameNoJobAreEachANewVersion) {
  EXPECT_EQ(Published("", "m").version, 1);
  EXPECT_EQ(Published("", "m").version, 2);
}

TEST_F(ModelStoreTest, PublishRefusesWhatIsNoModel) {
  EXPECT_THAT(store_->Publish(data_ / "nowhere", "m", {}), StatusIs(StatusCode::kNotFound));
  const auto folder = Export("a");
  fs::remove(folder / "model.safetensors");
  EXPECT_THAT(store_->Publish(folder, "m", {}),
              StatusIs(StatusCode::kNotFound, HasSubstr("model.safetensors")));
  std::ofstream(folder / "card.json") << "[]";
  EXPECT_THAT(store_->Publish(folder, "m", {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("card.json")));
  EXPECT_THAT(store_->List(), IsOkAndHolds(IsEmpty()));
}

TEST_F(ModelStoreTest, EverythingIsThereAfterARestart) {
  const auto before = Published("a", "m", {"prod"});
  Published("b", "another");
  Open();
  const auto records = store_->List();
  ASSERT_THAT(records, IsOk());
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].model, "another");
  EXPECT_EQ((*records)[1].model, "m");
  const auto& after = (*records)[1].versions[0];
  EXPECT_EQ(after.resource_name(), before.resource_name());
  EXPECT_EQ(after.folder, before.folder);
  EXPECT_EQ(after.config, before.config);
  EXPECT_EQ(after.card, before.card);
  EXPECT_EQ(absl::ToUnixMicros(after.created), absl::ToUnixMicros(before.created));
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 1), Pair("prod", 1)));
}

TEST_F(ModelStoreTest, AVersionIsHiddenUntilItsFolderIsThere) {
  Published("a", "m", {"prod"});
  Announce("b", 2, {"prod"});
  EXPECT_EQ(store_->Resolve("m")->version, 1);
  EXPECT_EQ(store_->Resolve("m@prod")->version, 1);
  EXPECT_THAT(store_->Resolve("m/versions/2"), StatusIs(StatusCode::kNotFound));
}

TEST_F(ModelStoreTest, APublishCutShortBeforeTheMoveIsForgottenAndCanBeDoneAgain) {
  const auto folder = Export("b");
  Announce("b", 1, {"prod"});
  Open();
  EXPECT_THAT(store_->Resolve("m"), StatusIs(StatusCode::kNotFound));
  const auto version = store_->Publish(folder, "m", {{"prod"}, ""});
  ASSERT_THAT(version, IsOk());
  EXPECT_EQ(version->version, 1);
  EXPECT_EQ(store_->Resolve("m@prod")->version, 1);
}

TEST_F(ModelStoreTest, APublishCutShortAfterTheMoveIsCompleted) {
  Published("a", "m", {"prod"});
  const auto folder = Export("b");
  Announce("b", 2, {"prod"});
  fs::rename(folder, data_ / "models" / "m" / "2");
  Open();
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 2), Pair("prod", 2)));
  const auto again = store_->Publish(folder, "m", {{"prod"}, ""});  // as the job's owner does after a restart
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->version, 2);
  EXPECT_EQ(store_->Get("m")->versions.size(), 2U);
}

TEST_F(ModelStoreTest, AFolderWhoseMoveCanNotBeSyncedIsPutBackAndPublishedOnce) {
  Published("a", "m");
  const auto folder = Export("b");
  {
    FaultyFiles disk(data_.path());
    disk.FailCall(1, EIO);  // after the rename
    EXPECT_THAT(store_->Publish(folder, "m", {}), StatusIs(StatusCode::kInternal));
    EXPECT_THAT(disk.calls(), ElementsAre("rename jobs-b/export models/m/2", "fsync models/m",
                                          "rename models/m/2 jobs-b/export"));
  }
  EXPECT_TRUE(fs::exists(folder / "model.safetensors"));
  Open();
  EXPECT_EQ(store_->Get("m")->versions.size(), 1U);
  ASSERT_THAT(store_->Publish(folder, "m", {}), IsOk());
  Open();
  EXPECT_EQ(store_->Get("m")->versions.size(), 2U);
}

TEST_F(ModelStoreTest, AVersionThatCouldNotBeShownIsThatOfTheNextTry) {
  Published("a", "m", {"prod"});
  PublishInVain("b", {{"prod"}, ""});
  const auto again = store_->Publish(Export("b"), "m", {{"prod"}, ""});  // its trainer has exported it again
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->version, 2);
  EXPECT_TRUE(again->aliases.at(0).moved);
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 2), Pair("prod", 2)));
  Open();
  EXPECT_EQ(store_->Get("m")->versions.size(), 2U);
}

TEST_F(ModelStoreTest, TheNextTryLooksAgainWhetherItsVersionIsBetter) {
  PublishInVain("b", {{"prod"}, "loss"});  // prod would be new
  Published("a", "m");
  ASSERT_THAT(store_->SetAlias("m", "prod", 2, {}), IsOk());
  PublishInVain("c", {{"prod"}, ""});
  const auto again = store_->Publish(Export("c"), "m", {{"prod"}, "loss"});
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->aliases.at(0).moved) << "both have the same loss";
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 3), Pair("prod", 2)));
}

TEST_F(ModelStoreTest, AnAliasThatWasSetMeanwhileIsNotMovedByAnEarlierPublishing) {
  Published("a", "m", {"prod", "best"});
  Published("b", "m");
  PublishInVain("c", {{"prod", "best", "new"}, ""});
  ASSERT_THAT(store_->SetAlias("m", "prod", 2, {}), IsOk());
  Published("d", "m");
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("best", 1), Pair("latest", 4), Pair("prod", 2)));
}

TEST_F(ModelStoreTest, AnAliasThatWasSetOrRemovedMeanwhileIsLeftAloneByARestartToo) {
  Published("a", "m", {"prod", "best", "old"});
  Published("b", "m");
  PublishInVain("c", {{"best", "prod", "old"}, ""});
  ASSERT_THAT(store_->SetAlias("m", "prod", 2, {}), IsOk());
  ASSERT_THAT(store_->SetAlias("m", "old", 0, {}), IsOk());
  Open();
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("best", 3), Pair("latest", 3), Pair("prod", 2)));
}

TEST_F(ModelStoreTest, AVersionWhoseFolderCanNotBeLookedAtIsNotTakenBack) {
  Published("a", "m");
  PublishInVain("b", {});
  fs::rename(data_ / "models/m", data_ / "away");
  fs::create_symlink("m", data_ / "models/m");  // to itself
  EXPECT_FALSE(store_->Publish(Export("c"), "m", {}).ok());
  fs::remove(data_ / "models/m");
  fs::rename(data_ / "away", data_ / "models/m");
  EXPECT_EQ(Published("b", "m").version, 2);
}

TEST_F(ModelStoreTest, AWholeFolderWithoutARowIsAdopted) {
  ModelCard card;
  card.job = "jobs/lost";
  WriteRandomModel(data_ / "models" / "m" / "4", TinyClassifier(), card);
  Open();
  const auto version = store_->Resolve("m");
  ASSERT_THAT(version, IsOk());
  EXPECT_EQ(version->version, 4);
  EXPECT_EQ(version->card.job, "jobs/lost");
  EXPECT_THAT(store_->Acquire("m"), IsOk());
  EXPECT_EQ(Published("lost", "m").version, 4);
}

TEST_F(ModelStoreTest, WhatIsNoModelIsLeftAloneAndItsNumberIsNotUsed) {
  fs::create_directories(data_ / "models" / "m" / "3");
  fs::create_directories(data_ / "models" / "m" / "x7");
  fs::create_directories(data_ / "models" / "Not A Name" / "1");
  std::ofstream(data_ / "models" / "file") << "x";
  Open();
  EXPECT_THAT(store_->List(), IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(Published("a", "m").version, 4);
  EXPECT_TRUE(fs::exists(data_ / "models" / "m" / "3"));
}

TEST_F(ModelStoreTest, AcquireLoadsAVersionOnceForAllItsNames) {
  const auto version = Published("a", "m", {"prod"});
  EXPECT_FALSE(store_->IsLoaded(version));
  std::shared_ptr<const Predictor> got[4];
  {
    const char* names[] = {"m", "m@prod", "models/m/versions/1", "m@latest"};
    std::vector<JoinedThread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&, i] {
        const auto model = store_->Acquire(names[i]);
        if (model.ok()) got[i] = model->predictor;
      });
    }
  }
  ASSERT_NE(got[0], nullptr);
  for (const auto& predictor : got) EXPECT_EQ(predictor, got[0]);
  EXPECT_TRUE(store_->IsLoaded(version));
}

TEST_F(ModelStoreTest, KeepsAsManyLoadedAsAllowed) {
  std::vector<ModelVersion> versions;
  for (const char* job : {"a", "b", "c"}) versions.push_back(Published(job, "m"));
  for (const auto& version : versions) ASSERT_THAT(store_->Acquire(version.resource_name()), IsOk());
  EXPECT_FALSE(store_->IsLoaded(versions[0]));
  EXPECT_TRUE(store_->IsLoaded(versions[1]));
  EXPECT_TRUE(store_->IsLoaded(versions[2]));
}

TEST_F(ModelStoreTest, AFolderThatWentBadIsListedButNotServed) {
  const auto version = Published("a", "m");
  fs::remove_all(version.folder);
  Published("b", "other");
  EXPECT_EQ(store_->List()->size(), 2U);
  EXPECT_THAT(store_->Acquire("m"), StatusIs(StatusCode::kNotFound, HasSubstr(version.folder.string())));
  EXPECT_THAT(store_->Acquire("other"), IsOk());
}

TEST_F(ModelStoreTest, ConcurrentPublishesGetNumbersOfTheirOwn) {
  constexpr int kJobs = 6;
  std::vector<fs::path> folders;
  for (int i = 0; i < kJobs; ++i) folders.push_back(Export(std::to_string(i)));
  {
    std::vector<JoinedThread> threads;
    for (int i = 0; i < kJobs; ++i) {
      threads.emplace_back([&, i] { EXPECT_THAT(store_->Publish(folders[i], "m", {}), IsOk()); });
    }
  }
  EXPECT_EQ(store_->Get("m")->versions.size(), size_t{kJobs});
  EXPECT_EQ(store_->Resolve("m")->version, kJobs);
}

TEST(ModelStore, NeedsRoomForOneModel) {
  const TempFolder data;
  absl::Mutex mutex;
  const auto database = *Database::Open(data / "mae.db", Database::Mode::kReadWrite);
  EXPECT_THAT(ModelStore::Create(*database, mutex, data / "models", {.max_loaded = 0, .batch = {}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("max_loaded_models: 0")));
}

TEST_F(ModelStoreTest, ModelsAreFoundWhileTheDatabaseIsBusy) {
  Published("a", "m", {"prod"});
  const absl::MutexLock busy(&mutex_);
  EXPECT_EQ((*store_->Find("m@prod"))->version, 1);
  EXPECT_THAT(store_->Acquire("m"), IsOk());
  EXPECT_EQ(store_->Get("m")->versions.size(), 1u);
  EXPECT_EQ(store_->List()->size(), 1u);
  EXPECT_THAT(store_->Find("n"), StatusIs(StatusCode::kNotFound));
}

// Two versions of m. Its rows can't be read any more once an alias has moved.
class UnreadableModelTest : public ModelStoreTest {
 protected:
  UnreadableModelTest() {
    Published("a", "m", {"prod"});
    Published("b", "m");
    Execute("UPDATE model_versions SET source = config");
    Execute(
        "CREATE TEMP TRIGGER spoil AFTER UPDATE ON model_aliases "
        "BEGIN UPDATE model_versions SET config = '{'; END");
    EXPECT_THAT(store_->SetAlias("m", "prod", 2, {}), IsOk());
  }

  void Execute(const char* statement) {
    const absl::MutexLock lock(&mutex_);
    EXPECT_THAT(database_->Execute(statement), IsOk());
  }
  void Mend() {
    Execute("DROP TRIGGER spoil");
    Execute("UPDATE model_versions SET config = source");
  }
};

TEST_F(UnreadableModelTest, StaysAsItWasAndIsReadAgain) {
  {
    const absl::MutexLock busy(&mutex_);
    EXPECT_EQ((*store_->Find("m@prod"))->version, 1) << "as it was read last";
    EXPECT_EQ(store_->List()->size(), 1u);
  }
  Mend();
  EXPECT_EQ((*store_->Find("m@prod"))->version, 2);
}

TEST_F(UnreadableModelTest, IsReadAgainOnceASecond) {
  const absl::Time failed = absl::Now();
  EXPECT_EQ((*store_->Find("m@prod"))->version, 1) << "reading it again failed too";
  Mend();
  while ((*store_->Find("m@prod"))->version == 1 && absl::Now() < failed + absl::Seconds(60))
    std::this_thread::yield();
  EXPECT_EQ((*store_->Find("m@prod"))->version, 2);
  EXPECT_GE(absl::Now() - failed, absl::Seconds(1));
}

TEST_F(UnreadableModelTest, IsNotChanged) {
  EXPECT_THAT(store_->SetAlias("m", "next", 1, {}), Not(IsOk()));
  EXPECT_THAT(store_->SetAlias("m", "prod", 0, {}), Not(IsOk()));
  EXPECT_THAT(store_->Delete("m", 2), Not(IsOk()));
  EXPECT_THAT(store_->Publish(Export("c"), "m", {{"prod"}, ""}), Not(IsOk()));
  Mend();
  EXPECT_THAT(store_->Delete("m", 2), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("prod")));
  EXPECT_THAT(store_->SetAlias("m", "next", 1, {}), IsOk());  // after a change it is read at once
  EXPECT_THAT(Aliases("m"), UnorderedElementsAre(Pair("latest", 2), Pair("prod", 2), Pair("next", 1)));
}

TEST_F(ModelStoreTest, WhatWasFoundStaysAsItWas) {
  Published("a", "m", {"prod"});
  const auto found = *store_->Find("m@prod");
  Published("b", "m", {"prod"});
  ASSERT_THAT(store_->Delete("m", 1), IsOk());
  EXPECT_EQ(found->resource_name(), "models/m/versions/1");
  EXPECT_THAT(store_->PredictorOf(*found), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace mae
