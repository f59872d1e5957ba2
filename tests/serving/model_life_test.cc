// What becomes of a model once it is published: aliases, deletion, and what is in memory.
#include "absl/synchronization/notification.h"
#include "base/joined_thread.h"
#include "serving/model_store.h"
#include "tests/serving/model_store_fixture.h"

namespace mae {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

using ModelLifeTest = ModelStoreTest;

TEST_F(ModelLifeTest, AnAliasMovesToAVersionThatIsInMemoryAndBack) {
  const auto first = Published("a", "m", {"prod"});
  const auto second = Published("b", "m");
  const auto running = store_->Acquire("m@prod");
  ASSERT_THAT(running, IsOk());
  ASSERT_THAT(store_->SetAlias("m", "prod", 2, {}), IsOk());
  EXPECT_EQ(store_->Resolve("m@prod")->version, 2);
  EXPECT_TRUE(store_->IsLoaded(second));
  EXPECT_EQ(running->version.version, 1);
  EXPECT_THAT(running->predictor->Embed({FloatTensor{{1, 8, 12}, std::vector<float>(96)}}, {}), IsOk());
  ASSERT_THAT(store_->SetAlias("m", "prod", 1, {}), IsOk());
  ASSERT_THAT(store_->SetAlias("m", "next", 2, {}), IsOk());
  Open();
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 2), Pair("next", 2), Pair("prod", 1)));
}

TEST_F(ModelLifeTest, NobodyWaitsForAVersionThatIsWarmedBeforeItTakesOver) {
  absl::Notification warms, may_end;
  bool waited_in_vain = false;
  ServingOptions options{.max_loaded = 2, .batch = {}};
  options.on_batch = [&](const std::string&, int64_t version, const BatchRecord&) {
    if (version != 2) return;
    warms.Notify();
    waited_in_vain = !may_end.WaitForNotificationWithTimeout(absl::Seconds(20));
  };
  store_ = *ModelStore::Create(*database_, mutex_, data_ / "models", options);
  Published("a", "m", {"prod", "old"});
  ASSERT_THAT(store_->Acquire("m"), IsOk());
  const auto folder = Export("b");
  {
    const JoinedThread publisher([&] {
      const auto published = store_->Publish(folder, "m", {{"prod"}, ""});
      ASSERT_THAT(published, IsOk());
      EXPECT_TRUE(published->aliases[0].moved);
    });
    warms.WaitForNotification();
    EXPECT_THAT(store_->SetAlias("m", "old", 0, {}), IsOk());
    EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 1), Pair("prod", 1)));
    may_end.Notify();
  }
  EXPECT_FALSE(waited_in_vain);
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 2), Pair("prod", 2)));
}

TEST_F(ModelLifeTest, AnAliasStaysWhereItIsIfTheVersionDoesNotRun) {
  Published("a", "m", {"prod"});
  fs::remove(Published("b", "m").folder / "model.safetensors");
  EXPECT_THAT(store_->SetAlias("m", "prod", 2, {}), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(store_->SetAlias("m", "prod", 1, {.deadline = absl::InfinitePast()}),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(store_->Resolve("m@prod")->version, 1);
}

TEST_F(ModelLifeTest, AnAliasOfDigitsFromBeforeIsReadAndCanBeRemoved) {
  Published("a", "m");
  Published("b", "m");
  ASSERT_THAT(store_->SetAlias("m", "old", 1, {}), IsOk());
  store_.reset();
  ASSERT_THAT(database_->Execute("UPDATE model_aliases SET alias = '2' WHERE alias = 'old'"), IsOk());
  Open();
  EXPECT_EQ(store_->Resolve("m@2")->version, 1);
  EXPECT_THAT(store_->SetAlias("m", "2", 2, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("alias: ")));
  ASSERT_THAT(store_->SetAlias("m", "2", 0, {}), IsOk());
  EXPECT_THAT(store_->Resolve("m@2"), StatusIs(StatusCode::kNotFound));
}

TEST_F(ModelLifeTest, SetAliasRefusesWhatIsNone) {
  Published("a", "m", {"prod"});
  EXPECT_THAT(store_->SetAlias("m", "latest", 1, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("alias: \"latest\"")));
  EXPECT_THAT(store_->SetAlias("m", "No", 1, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("alias: ")));
  EXPECT_THAT(store_->SetAlias("m", "x", -1, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("version: -1")));
  EXPECT_THAT(store_->SetAlias("m", "x", 7, {}), StatusIs(StatusCode::kNotFound, HasSubstr("it has 1")));
  EXPECT_THAT(store_->SetAlias("m", "prd", 0, {}), StatusIs(StatusCode::kNotFound, HasSubstr("'prod'")));
  EXPECT_THAT(store_->SetAlias("n", "x", 1, {}), StatusIs(StatusCode::kNotFound));
  ASSERT_THAT(store_->SetAlias("m", "prod", 0, {}), IsOk());
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 1)));
}

TEST_F(ModelLifeTest, AModelHasSoManyAliasesAndNoMore) {
  Published("a", "m");
  for (int i = 1; i < 256; ++i) ASSERT_THAT(store_->SetAlias("m", "x" + std::to_string(i), 1, {}), IsOk());
  EXPECT_THAT(store_->SetAlias("m", "more", 1, {}),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("256")));
  EXPECT_THAT(store_->SetAlias("m", "x7", 1, {}), IsOk());
}

TEST_F(ModelLifeTest, ADeletedVersionIsGoneAndItsNumberIsNotUsedAgain) {
  const auto first = Published("a", "m");
  const auto second = Published("b", "m");
  const auto running = store_->Acquire("m/versions/2");
  ASSERT_THAT(running, IsOk());
  ASSERT_THAT(store_->Delete("m", 2), IsOk());
  EXPECT_FALSE(fs::exists(second.folder));
  EXPECT_FALSE(store_->IsLoaded(second));
  EXPECT_THAT(Aliases("m"), ElementsAre(Pair("latest", 1)));
  EXPECT_THAT(store_->Acquire("m/versions/2"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(running->predictor->Embed({FloatTensor{{1, 8, 12}, std::vector<float>(96)}}, {}), IsOk());
  ASSERT_THAT(store_->Delete("m", 1), IsOk());
  EXPECT_THAT(store_->Get("m"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(store_->List(), IsOkAndHolds(IsEmpty()));
  Open();
  EXPECT_EQ(Published("c", "m").version, 3);
}

TEST_F(ModelLifeTest, WhatAnAliasStandsForIsNotDeleted) {
  const auto version = Published("a", "m", {"prod", "best"});
  EXPECT_THAT(store_->Delete("m", 1), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("best, prod")));
  EXPECT_TRUE(fs::exists(version.folder / "model.safetensors"));
  EXPECT_THAT(store_->Delete("m", 2), StatusIs(StatusCode::kNotFound));
  ASSERT_THAT(store_->SetAlias("m", "prod", 0, {}), IsOk());
  ASSERT_THAT(store_->SetAlias("m", "best", 0, {}), IsOk());
  EXPECT_THAT(store_->Delete("m", 1), IsOk());
}

TEST_F(ModelLifeTest, ADeletionCutShortIsFinishedAtTheNextStart) {
  const auto version = Published("a", "m");
  const auto registry = ModelRegistry::Create(*database_, mutex_, data_ / "models");
  ASSERT_THAT((*registry)->Delete("m", 1), IsOk());  // and then the server died
  ASSERT_TRUE(fs::exists(version.folder));
  Open();
  EXPECT_FALSE(fs::exists(version.folder)) << "it was neither removed nor left";
  EXPECT_THAT(store_->List(), IsOkAndHolds(IsEmpty())) << "it was adopted";
  EXPECT_EQ(Published("b", "m").version, 2);
}

TEST_F(ModelLifeTest, ADeletionCutShortAfterTheFolderWentIsFinishedToo) {
  const auto version = Published("a", "m");
  const auto registry = [&] { return *ModelRegistry::Create(*database_, mutex_, data_ / "models"); };
  ASSERT_THAT(registry()->Delete("m", 1), IsOk());
  fs::remove_all(version.folder.parent_path());
  Open();
  EXPECT_EQ(registry()->Deletions()->size(), 0U);
  EXPECT_EQ(Published("b", "m").version, 2);
}

TEST_F(ModelLifeTest, AFolderPutBackAfterADeletionIsAdopted) {
  const auto version = Published("a", "m");
  fs::copy(version.folder, data_ / "backup");
  ASSERT_THAT(store_->Delete("m", 1), IsOk());
  fs::create_directories(version.folder.parent_path());
  fs::rename(data_ / "backup", version.folder);
  Open();
  EXPECT_EQ(store_->Resolve("m")->version, 1);
  EXPECT_THAT(store_->Delete("m", 1), IsOk());
}

TEST_F(ModelLifeTest, LoadPinsAndUnloadTakesItOut) {
  const auto first = Published("a", "m");
  for (const char* job : {"b", "c"}) Published(job, "n");
  ASSERT_THAT(store_->Load("m", true, {}), IsOk());
  for (const char* name : {"n/versions/1", "n/versions/2"}) ASSERT_THAT(store_->Acquire(name), IsOk());
  EXPECT_TRUE(store_->IsLoaded(first));
  EXPECT_TRUE(store_->IsPinned(first));
  EXPECT_EQ(store_->Loaded().size(), 2U);
  ASSERT_THAT(store_->Load("n", true, {}), IsOk());
  EXPECT_THAT(store_->Load("n/versions/1", false, {}), StatusIs(StatusCode::kResourceExhausted));
  const std::weak_ptr<const Predictor> memory = store_->Acquire("m")->predictor;
  const auto unloaded = store_->Unload("m@latest", {});
  ASSERT_THAT(unloaded, IsOk());
  EXPECT_EQ(unloaded->resource_name(), "models/m/versions/1");
  EXPECT_TRUE(memory.expired());
  EXPECT_FALSE(store_->IsLoaded(first));
  EXPECT_FALSE(store_->IsPinned(first));
  EXPECT_THAT(store_->Acquire("m"), IsOk());
  EXPECT_THAT(store_->Load("x", true, {}), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(store_->Unload("x", {}), StatusIs(StatusCode::kNotFound));
}

TEST_F(ModelLifeTest, WeightsOnTheDiskCountAgainstTheBudget) {
  const auto first = Published("a", "m");
  const auto second = Published("b", "m");
  const auto one = static_cast<int64_t>(fs::file_size(first.folder / "model.safetensors"));
  const auto store = ModelStore::Create(*database_, mutex_, data_ / "models",
                                        {.max_loaded = 9, .max_bytes = one * 3 / 2, .batch = {}});
  ASSERT_THAT(store, IsOk());
  ASSERT_THAT((*store)->Acquire("m/versions/1"), IsOk());
  ASSERT_THAT((*store)->Acquire("m/versions/2"), IsOk());
  EXPECT_FALSE((*store)->IsLoaded(first));
  EXPECT_TRUE((*store)->IsLoaded(second));
}

}  // namespace
}  // namespace mae
