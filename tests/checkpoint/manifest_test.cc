#include "checkpoint/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/durable_file.h"
#include "tests/checkpoint/whole_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

TEST(CheckpointNames, SortAsTheirSteps) {
  EXPECT_EQ(CheckpointFolderName(123), "step-000000123");
  EXPECT_EQ(CheckpointFolderName(12345678901), "step-12345678901");
}

TEST(CheckpointNames, ListingTakesCheckpointFoldersOnly) {
  const TempFolder folder;
  for (const char* name : {"step-000000010", "step-000000009", "step-12345678901", "step-11",
                           "step--00000012", "step-00000001x", "step-", ".tmp-step-000000013.7", "other"}) {
    std::filesystem::create_directory(folder / name);
  }
  Spill(folder / "step-000000014", "a file");
  EXPECT_THAT(ListCheckpointSteps(folder.path()), IsOkAndHolds(ElementsAre(9, 10, 12345678901)));
}

TEST(CheckpointNames, AbsentFolderHasNoSteps) {
  const TempFolder folder;
  EXPECT_THAT(ListCheckpointSteps(folder / "absent"), IsOkAndHolds(IsEmpty()));
}

TEST(Manifest, ComesBackFromJson) {
  const Manifest manifest = {{"a", {int64_t{1} << 40, "00ff"}}, {"b.json", {0, ""}}};
  EXPECT_THAT(ManifestFromJson(ManifestToJson(manifest)), IsOkAndHolds(manifest));
}

TEST(Manifest, WrongJsonAndNamesThatLeadOutAreRefused) {
  EXPECT_THAT(ManifestFromJson(""), StatusIs(kInvalid, HasSubstr("manifest.json")));
  EXPECT_THAT(ManifestFromJson(R"({"format":2,"files":{}})"), StatusIs(kInvalid, HasSubstr("format")));
  EXPECT_THAT(ManifestFromJson(R"({"format":1})"), StatusIs(kInvalid, HasSubstr("files")));
  EXPECT_THAT(ManifestFromJson(R"({"format":1,"files":{"a":{"bytes":1}}})"),
              StatusIs(kInvalid, HasSubstr("sha256")));
  EXPECT_THAT(ManifestFromJson(R"({"format":1,"files":{"a":{"bytes":1e300,"sha256":""}}})"),
              StatusIs(kInvalid, HasSubstr("not whole")));
  for (const char* name : {"", ".", "..", "../a", "/a", "a/b"}) {
    EXPECT_THAT(ManifestFromJson(ManifestToJson({{name, {}}})), StatusIs(kInvalid, HasSubstr("no file name")))
        << name;
  }
}

TEST(Manifest, VerifyingNamesTheFileAndTheDifference) {
  const TempFolder folder;
  Spill(folder / "a", "content");
  const Manifest manifest = {{"a", {7, Sha256Hex("content")}}};
  for (const auto through : {ReadThrough::kCache, ReadThrough::kDevice}) {
    EXPECT_THAT(VerifyManifest(folder.path(), manifest, through), IsOk());
  }
  Spill(folder / "a", "contenT");
  EXPECT_THAT(VerifyManifest(folder.path(), manifest),
              StatusIs(kDataLoss, AllOf(HasSubstr("/a is damaged"), HasSubstr(Sha256Hex("contenT")))));
  Spill(folder / "a", "conten");
  EXPECT_THAT(VerifyManifest(folder.path(), manifest),
              StatusIs(kDataLoss, HasSubstr("has 6 bytes, the manifest says 7")));
  std::filesystem::remove(folder / "a");
  EXPECT_THAT(VerifyManifest(folder.path(), manifest), StatusIs(kDataLoss, HasSubstr("/a is missing")));
}

}  // namespace
}  // namespace mae
