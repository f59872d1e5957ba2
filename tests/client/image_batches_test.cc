#include "client/image_batches.h"

#include <gmock/gmock.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "image/codec.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class ImageBatchesTest : public testing::Test {
 protected:
  std::string File(const std::string& name, size_t bytes = 4) {
    std::filesystem::create_directories((temp_ / name).parent_path());
    std::ofstream(temp_ / name) << std::string(bytes, 'x');
    return temp_ / name;
  }
  static std::vector<std::string> Names(const std::vector<ImageSource>& sources) {
    std::vector<std::string> names;
    for (const ImageSource& source : sources) names.push_back(source.path.filename());
    return names;
  }
  // How many images each batch has.
  absl::StatusOr<std::vector<size_t>> Sizes(const std::vector<ImageSource>& sources,
                                            const BatchLimits& limits) {
    std::vector<size_t> sizes;
    LeftOut left_out(/*keep_going=*/false);
    BatchReader reader(sources, limits, left_out);
    while (true) {
      const absl::StatusOr<ImageBatch> batch = reader.Next();
      if (!batch.ok()) return batch.status();
      EXPECT_EQ(batch->sources.size(), batch->images.size());
      if (batch->images.empty()) return sizes;
      sizes.push_back(batch->images.size());
    }
  }

  const TempFolder temp_;
};

TEST_F(ImageBatchesTest, FoldersStandForTheirPicturesSorted) {
  File("in/b.PNG");
  File("in/a.jpg");
  File("in/below/c.webp");
  File("in/notes.txt");
  const std::string single = File("notes.txt");
  const auto sources = ListImages({temp_ / "in", single, "-"});
  ASSERT_THAT(sources, IsOk());
  EXPECT_THAT(Names(*sources), ElementsAre("a.jpg", "b.PNG", "c.webp", "notes.txt", ""))
      << "a file is what it is called";
  EXPECT_EQ(sources->back().stem(), "stdin");
}

TEST_F(ImageBatchesTest, WhatCannotBeSentIsRefused) {
  EXPECT_THAT(ListImages({temp_ / "none"}), StatusIs(StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(ListImages({"-", "-"}), StatusIs(StatusCode::kInvalidArgument));
  std::filesystem::create_directories(temp_ / "empty");
  EXPECT_THAT(ListImages({temp_ / "empty"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no pictures")));
}

TEST_F(ImageBatchesTest, BatchesHoldToTheCountAndToTheBytes) {
  std::vector<ImageSource> sources;
  for (const size_t bytes : {40, 40, 40, 10, 10}) {
    const std::string path = File(absl::StrCat(sources.size(), ".png"), bytes);
    sources.push_back({path, path});
  }
  EXPECT_THAT(Sizes(sources, {2, 1000}), IsOkAndHolds(ElementsAre(2, 2, 1)));
  EXPECT_THAT(Sizes(sources, {64, 100}), IsOkAndHolds(ElementsAre(2, 3)));
  EXPECT_THAT(Sizes(sources, {64, 40}), IsOkAndHolds(ElementsAre(1, 1, 1, 2)));
  EXPECT_THAT(Sizes({}, {64, 40}), IsOkAndHolds(ElementsAre()));
}

TEST_F(ImageBatchesTest, BatchesHoldToThePixelsOfTheirPictures) {
  std::vector<ImageSource> sources;
  for (const int64_t side : {8, 8, 4, 8}) {
    const auto count = static_cast<size_t>(side * side);
    const auto png = EncodePng(Picture{side, side, 1, std::vector<uint8_t>(count, 9)});
    ASSERT_THAT(png, IsOk());
    const std::string path = temp_ / absl::StrCat(sources.size(), ".png");
    std::ofstream(path) << *png;
    sources.push_back({path, path});
  }
  EXPECT_THAT(Sizes(sources, {64, 10000, 128}), IsOkAndHolds(ElementsAre(2, 2)));
  EXPECT_THAT(Sizes(sources, {64, 10000, 64}), IsOkAndHolds(ElementsAre(1, 1, 1, 1)));
}

TEST_F(ImageBatchesTest, AFileThatNoRequestHoldsIsNamedWithTheLimit) {
  const std::string path = File("large.png", 41);
  EXPECT_THAT(Sizes({{path, path}}, {64, 40}),
              StatusIs(StatusCode::kDataLoss, HasSubstr("41 bytes, more than the 40")));
}

TEST_F(ImageBatchesTest, AFaultComesAfterThePicturesBeforeIt) {
  const std::string good = File("a.png"), empty = File("b.png", 0);
  const std::vector<ImageSource> sources = {{good, good}, {empty, empty}, {good, good}};
  LeftOut ends(/*keep_going=*/false);
  BatchReader reader(sources, {64, 40}, ends);
  ASSERT_THAT(reader.Next(), IsOk());
  EXPECT_THAT(reader.Next(), StatusIs(StatusCode::kDataLoss, HasSubstr("b.png: empty")));
  LeftOut goes_on(/*keep_going=*/true);
  BatchReader other(sources, {64, 40}, goes_on);
  EXPECT_EQ(other.Next()->images.size(), 2u);
  EXPECT_THAT(goes_on.Result(), StatusIs(StatusCode::kDataLoss, HasSubstr("1 picture was left out")));
}

}  // namespace
}  // namespace mae
