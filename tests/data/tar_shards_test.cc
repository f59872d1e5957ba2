#include "data/tar_shards.h"

#include <gmock/gmock.h>

#include "data/dataset.h"
#include "data/image_picture.h"
#include "tests/data/picture_files.h"
#include "tests/data/tar_writer.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class TarShardsTest : public testing::Test {
 protected:
  void Shard(const std::string& name, const std::vector<TarEntry>& entries) const {
    SetFileBytes(folder_ / name, TarBytes(entries));
  }
  static TarEntry Image(const std::string& path, uint8_t grey) { return {path, PlainPng(4, 4, {grey}), ""}; }

  TempFolder folder_;
};

TEST_F(TarShardsTest, SamplesAreReadWhereTheyLie) {
  Shard("set-train-1.tar", {Image("d/b.png", 30), {"d/b.cls", "1", ""}});
  Shard("set-train-0.tar", {{"d/a.cls", "0\n", ""},
                            {"d/a.json", "{}", ""},
                            Image("d/a.png", 10),
                            Image("d/c.png", 20),
                            {"d/c.cls", "2", ""}});
  Shard("set-val.tar", {Image("x.png", 40), {"x.cls", "2", ""}});
  const auto info = InspectDataset("shards", folder_.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->format, "tar_shards");
  EXPECT_THAT(info->labels, ElementsAre("0", "1", "2"));
  EXPECT_EQ(info->validation_images, 1);
  const auto train = LoadSplit("tar_shards", folder_.path(), Split::kTrain, 0);
  ASSERT_THAT(train, IsOk());
  EXPECT_THAT(train->labels, ElementsAre(0, 2, 1)) << "shards in order of their names";
  for (const auto& [index, grey] : {std::pair{0, 10}, {1, 20}, {2, 30}})
    EXPECT_EQ(PictureOf(*train, index).value().pixels, std::vector<uint8_t>(16, static_cast<uint8_t>(grey)));
}

TEST_F(TarShardsTest, LongNamesAreNames) {
  const std::string deep(180, 'n');
  Shard("train.tar", {Image(deep + "/" + deep + ".png", 10), {deep + "/" + deep + ".cls", "0", ""}});
  Shard("test.tar", {Image("x.png", 40), {"x.cls", "0", ""}});
  const auto dataset = ScanTarShards(folder_.path());
  ASSERT_THAT(dataset, IsOk());
  EXPECT_EQ(dataset->train.count(), 1);
}

TEST_F(TarShardsTest, ClassesHaveTheNamesBesideThem) {
  Shard("train.tar", {Image("a.png", 1), {"a.cls", "1", ""}});
  Shard("val.tar", {Image("a.png", 1), {"a.cls", "0", ""}});
  SetFileBytes(folder_ / "classes.txt", "cat\ndog\n");
  EXPECT_THAT(ScanTarShards(folder_.path()).value().labels, ElementsAre("cat", "dog"));
  SetFileBytes(folder_ / "classes.txt", "cat\n");
  EXPECT_THAT(ScanTarShards(folder_.path()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("names 1 classes, but a sample has class 1")));
}

TEST_F(TarShardsTest, ASampleWithoutAHalfIsNamed) {
  Shard("val.tar", {Image("x.png", 40), {"x.cls", "0", ""}});
  EXPECT_FALSE(HasTarShards(folder_.path()));
  EXPECT_THAT(ScanTarShards(folder_.path()), StatusIs(StatusCode::kNotFound, HasSubstr("*train*.tar")));
  Shard("train.tar", {Image("lonely.png", 1)});
  EXPECT_THAT(ScanTarShards(folder_.path()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("'lonely' has no class")));
  Shard("train.tar", {{"lonely.cls", "0", ""}});
  EXPECT_THAT(ScanTarShards(folder_.path()), StatusIs(StatusCode::kInvalidArgument, HasSubstr("no image")));
  Shard("train.tar", {Image("two.png", 1), {"two.cls", "0", ""}, Image("two.bmp", 2)});
  EXPECT_THAT(ScanTarShards(folder_.path()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("'two' has two images")));
  for (const char* wild : {"-1", "x", "99999999999", ""}) {
    Shard("train.tar", {Image("a.png", 1), {"a.cls", wild, ""}});
    EXPECT_THAT(ScanTarShards(folder_.path()),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("'a.cls' must hold a class")));
  }
}

TEST_F(TarShardsTest, LinksAreNoSamples) {
  Shard("val.tar", {Image("x.png", 40), {"x.cls", "0", ""}});
  Shard("train.tar", {Image("x.png", 40), {"x.cls", "0", ""}, {"evil.png", "", "/etc/passwd"}});
  EXPECT_EQ(ScanTarShards(folder_.path()).value().train.count(), 1);
}

}  // namespace
}  // namespace mae
