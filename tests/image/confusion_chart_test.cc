#include "image/confusion_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::HasSubstr;

// How many pixels are as dark as a full cell is.
int64_t DarkPixels(const Picture& picture) {
  int64_t dark = 0;
  for (size_t i = 0; i + 2 < picture.pixels.size(); i += 3) {
    dark += picture.pixels[i] < 20 && picture.pixels[i + 1] > 60 && picture.pixels[i + 2] > 100 ? 1 : 0;
  }
  return dark;
}

TEST(ConfusionChart, AFullCellIsDarkWhereverItIs) {
  const auto diagonal = DrawConfusionMatrix({{5, 0}, {0, 9}}, {"cat", "dog"}, "title");
  const auto one = DrawConfusionMatrix({{5, 0}, {0, 0}}, {"cat", "dog"}, "title");
  ASSERT_THAT(diagonal, IsOk());
  ASSERT_THAT(one, IsOk());
  EXPECT_EQ(diagonal->channels, 3);
  EXPECT_GT(DarkPixels(*one), 1000);
  EXPECT_NEAR(static_cast<double>(DarkPixels(*diagonal)) / static_cast<double>(DarkPixels(*one)), 2.0, 0.1);
}

TEST(ConfusionChart, ManyClassesFitAPage) {
  const size_t classes = 1000;
  std::vector<std::vector<int64_t>> counts(classes, std::vector<int64_t>(classes, 0));
  for (size_t i = 0; i < classes; ++i) counts[i][i] = 1;
  const auto picture = DrawConfusionMatrix(counts, std::vector<std::string>(classes, "x"), "title");
  ASSERT_THAT(picture, IsOk());
  EXPECT_LE(picture->width, 1100);
  EXPECT_GE(DarkPixels(*picture), 900);
}

TEST(ConfusionChart, OddTablesAreRefused) {
  EXPECT_THAT(DrawConfusionMatrix({}, {}, ""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DrawConfusionMatrix({{1, 2}}, {"a"}, ""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DrawConfusionMatrix({{1}}, {"a", "b"}, ""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2 names")));
}

}  // namespace
}  // namespace mae
