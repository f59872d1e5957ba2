#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "image/codec.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Png(uint8_t value) {
  const auto png = EncodePng(Picture{8, 8, 3, std::vector<uint8_t>(8 * 8 * 3, value)});
  return png.ok() ? *png : "";
}

std::string Webp(uint8_t value, int64_t width = 8) {
  const auto count = static_cast<size_t>(8 * width * 3);
  const auto webp =
      EncodePicture(Picture{8, width, 3, std::vector<uint8_t>(count, value)}, PictureFormat::kWebp);
  return webp.ok() ? *webp : "";
}

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<double> RatiosOf(const v1::ReconstructRequest& request) {
  if (request.random().has_mask_ratio()) return {request.random().mask_ratio()};
  if (request.random().mask_ratios().empty()) return {0.75};
  return {request.random().mask_ratios().begin(), request.random().mask_ratios().end()};
}

void Draw(const v1::ReconstructRequest& request, v1::Reconstruction& one) {
  if (request.picture_format() == v1::PICTURE_FORMAT_WEBP) {
    const int64_t width = request.images(0).encoded() == "wide" ? 4100 : 8;
    one.set_original_webp(Webp(255, width));
    one.set_masked_webp(Webp(128, width));
    one.set_reconstruction_webp(Webp(64, width));
    one.set_pasted_webp(Webp(0, width));
    one.set_panel_webp("webp panel");
    return;
  }
  one.set_original_png(Png(255));
  one.set_masked_png(Png(128));
  one.set_reconstruction_png(Png(64));
  one.set_pasted_png(Png(0));
  one.set_panel_png("panel");
}

/// Reconstructs whatever comes into flat pictures; "broken" is not a picture.
grpc::Status Reconstruct(const v1::ReconstructRequest& request, v1::ReconstructResponse& response) {
  if (request.random().mask_ratio() > 1) {
    return Violations({{"random.mask_ratio", "is 2; must be below 1"}},
                      "random.mask_ratio: is 2; must be below 1");
  }
  response.set_model_version("models/m/versions/1");
  response.set_pixel_statistics(v1::PIXEL_STATISTICS_RAW);
  for (int i = 0; i < request.images_size(); ++i) {
    if (request.images(i).encoded() == "broken")
      return Violations({{absl::StrCat("images[", i, "]"), "no picture"}});
    for (const double ratio : RatiosOf(request)) {
      v1::Reconstruction* one = response.add_reconstructions();
      one->set_loss(0.25);
      one->set_mask_ratio(ratio);
      one->add_hidden(true);
      if (request.pictures()) Draw(request, *one);
    }
  }
  return grpc::Status::OK;
}

class ReconstructTest : public testing::Test {
 protected:
  ReconstructTest() {
    Script script;
    script.info.mutable_limits()->set_max_images_per_request(2);
    script.reconstruct = [this](const auto&, const v1::ReconstructRequest& request, auto& response) {
      const absl::MutexLock lock(&mutex_);
      seen_.push_back(request);
      return Reconstruct(request, response);
    };
    server_ = std::make_unique<FakeServer>(std::move(script));
  }
  std::string File(const std::string& name, const std::string& content = "picture") {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  ClientResult Run(std::vector<std::string> arguments, ClientOptions options = {}) {
    arguments.insert(arguments.begin(), {"reconstruct", "--model", "m"});
    options.server = server_->address();
    return RunClient(arguments, options);
  }

  TempFolder folder_;
  absl::Mutex mutex_;  // Several calls are under way at a time.
  std::vector<v1::ReconstructRequest> seen_;
  std::unique_ptr<FakeServer> server_;
};

TEST_F(ReconstructTest, PrintsATableInOrderAndBatchesToTheServersLimit) {
  const ClientResult result =
      Run({File("a.png"), File("b.png"), File("c.png"), "--mask-ratio", "0.5", "--seed", "9"});
  server_->Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_LT(result.out.find("a.png"), result.out.find("b.png"));
  EXPECT_LT(result.out.find("b.png"), result.out.find("c.png"));
  EXPECT_THAT(result.out, HasSubstr("c.png  0.25000   0.5  models/m/versions/1\n"));
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[0].images_size() + seen_[1].images_size(), 3);
  EXPECT_EQ(seen_[0].model(), "m");
  EXPECT_EQ(seen_[0].random().seed(), 9u);
  EXPECT_FALSE(seen_[0].pictures()) << "no one would see them";
}

TEST_F(ReconstructTest, WritesAPanelAPictureAndOneOfAll) {
  File("in/shirt.png");
  File("in/below/shirt.jpg");
  File("in/notes.txt");
  const std::string out = folder_ / "out";
  const ClientResult result = Run({folder_ / "in", "--out", out, "--all", "--scale", "4"});
  server_->Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Content(out + "/shirt.panel.png"), "panel");
  EXPECT_EQ(Content(out + "/shirt-2.panel.png"), "panel");
  for (const char* part : {"original", "masked", "reconstruction", "pasted"}) {
    EXPECT_TRUE(std::filesystem::exists(absl::StrCat(out, "/shirt.", part, ".png")));
  }
  EXPECT_EQ(seen_[0].picture_scale(), 4);
  const auto panel = DecodePicture(Content(out + "/panel.png"), 1 << 24);
  ASSERT_THAT(panel, IsOk());
  EXPECT_GT(panel->width, 4 * 8);
  EXPECT_GT(panel->height, 2 * 8);
  EXPECT_THAT(result.err, HasSubstr(out + "/panel.png"));
}

TEST_F(ReconstructTest, WithoutAllOnlyPanelsAreWritten) {
  const std::string out = folder_ / "out";
  Run({File("a.png"), "--out", out});
  EXPECT_TRUE(std::filesystem::exists(out + "/a.panel.png"));
  EXPECT_FALSE(std::filesystem::exists(out + "/a.original.png"));
}

TEST_F(ReconstructTest, DrawsInColourWhenStdoutIsATerminal) {
  const ClientResult result =
      Run({File("a.png")}, {.environment = {{"COLORTERM", "truecolor"}}, .stdout_is_terminal = true});
  server_->Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.terminal, HasSubstr("▀"));
  EXPECT_THAT(result.terminal, HasSubstr("38;2;128;128;128"));
  EXPECT_THAT(result.terminal, HasSubstr("original"));
  EXPECT_THAT(result.terminal, HasSubstr("LOSS"));
  EXPECT_EQ(seen_[0].picture_scale(), 1);
}

TEST_F(ReconstructTest, DrawsIn256ColoursOrShades) {
  EXPECT_THAT(Run({File("a.png")}, {.stdout_is_terminal = true}).terminal, HasSubstr("38;5;"));
  const ClientResult plain =
      Run({File("a.png")}, {.environment = {{"NO_COLOR", "1"}}, .stdout_is_terminal = true});
  EXPECT_THAT(plain.terminal, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(plain.terminal, HasSubstr("█"));
}

TEST_F(ReconstructTest, ReadsStdin) {
  const ClientResult result = Run({"-"}, {.input = "picture bytes"});
  server_->Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(seen_[0].images(0).encoded(), "picture bytes");
  EXPECT_EQ(Run({"-", "-"}).exit_code, 2);
}

TEST_F(ReconstructTest, JsonHasTheMaskAndNoPictures) {
  const auto json = nlohmann::json::parse(Run({File("a.png"), "-o", "json", "--out", folder_ / "out"}).out);
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0]["loss"], 0.25);
  EXPECT_EQ(json[0]["hidden"][0], true);
  EXPECT_EQ(json[0]["model_version"], "models/m/versions/1");
  EXPECT_FALSE(json[0].contains("panel_png"));
}

TEST_F(ReconstructTest, ACorruptFileIsNamedAndWhatWasDoneBeforeIsShown) {
  const ClientResult result = Run({File("a.png"), File("b.png"), File("c.png"), File("bad.png", "broken")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr(absl::StrCat((folder_ / "bad.png").string(), ": no picture")));
  EXPECT_THAT(result.out, HasSubstr("b.png"));
  EXPECT_THAT(result.out, Not(HasSubstr("c.png")));
}

TEST_F(ReconstructTest, ARefusedRequestLeavesNoFolder) {
  const ClientResult result = Run({File("bad.png", "broken"), "--out", folder_ / "out/below"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(ReconstructTest, AFolderThatMayNotBeMadeIsNamedBeforeAnythingIsSent) {
  const ClientResult result = Run({File("a.png"), "--out", File("file") + "/below"});
  server_->Stop();
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr(absl::StrCat((folder_ / "file").string(), " is in the way")));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ReconstructTest, AFieldAtFaultIsNamedAsTheOption) {
  const ClientResult result = Run({File("a.png"), "--mask-ratio", "2"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "mae_client: --mask-ratio: is 2; must be below 1\n");
}

TEST_F(ReconstructTest, AnEmptyFileIsNotSent) {
  const ClientResult result = Run({File("empty.png", "")});
  server_->Stop();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("empty.png: empty"));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ReconstructTest, WhatIsNotThereIsNotFoundBeforeAnythingIsSent) {
  const ClientResult result = Run({File("a.png"), folder_ / "missing.png"});
  server_->Stop();
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("missing.png: no such file"));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ReconstructTest, AFolderWithoutPicturesIsAUsageError) {
  std::filesystem::create_directories(folder_ / "none");
  const ClientResult result = Run({folder_ / "none"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("no pictures in this folder"));
}

TEST_F(ReconstructTest, SeveralRatiosGiveARowAndAPanelEach) {
  const std::string out = folder_ / "out";
  const ClientResult result =
      Run({"--mask-ratio", "0.25,0.5", File("a.png"), File("b.png"), "--out", out, "-o", "json"});
  server_->Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  ASSERT_EQ(seen_.size(), 2u) << "2 reconstructions are a request's limit";
  EXPECT_THAT(seen_[0].random().mask_ratios(), testing::ElementsAre(0.25, 0.5));
  const auto json = nlohmann::json::parse(result.out);
  ASSERT_EQ(json.size(), 4u);
  EXPECT_EQ(json[1]["file"], (folder_ / "a.png").string());
  EXPECT_EQ(json[1]["mask_ratio"], 0.5);
  EXPECT_EQ(json[1]["pixel_statistics"], "raw");
  EXPECT_EQ(Content(out + "/a-0.25.panel.png"), "panel");
  EXPECT_EQ(Content(out + "/b-0.5.panel.png"), "panel");
}

TEST_F(ReconstructTest, KindOfMaskStatisticsAndExactSizeAreSent) {
  for (const char* kind : {"block", "grid", "none"}) {
    EXPECT_EQ(
        Run({File("a.png"), "--mask-kind", kind, "--pixel-statistics", "visible-patches", "--exact-size"})
            .exit_code,
        0);
  }
  EXPECT_EQ(Run({File("a.png"), "--mask-kind", "block", "--mask-ratio", "0.5", "--seed", "4"}).exit_code, 0);
  const ClientResult refused = Run({File("a.png"), "--mask-kind", "grid", "--mask-ratio", "0.5"});
  server_->Stop();
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("a grid hides 3 of 4"));
  const ClientResult seeded = Run({File("a.png"), "--mask-kind", "none", "--seed", "4"});
  EXPECT_EQ(seeded.exit_code, 2);
  EXPECT_THAT(seeded.err, HasSubstr("--seed: "));
  EXPECT_EQ(Run({File("a.png"), "--mask-kind", "stripes"}).exit_code, 2);
  EXPECT_EQ(Run({File("a.png"), "--pixel-statistics", "guessed"}).exit_code, 2);
  ASSERT_EQ(seen_.size(), 4u);
  EXPECT_TRUE(seen_[0].has_block());
  EXPECT_TRUE(seen_[1].has_grid());
  EXPECT_TRUE(seen_[2].has_none());
  EXPECT_TRUE(seen_[0].exact_size());
  EXPECT_EQ(seen_[0].pixel_statistics(), v1::PIXEL_STATISTICS_VISIBLE_PATCHES);
  EXPECT_FALSE(seen_[3].exact_size());
  EXPECT_EQ(seen_[3].block().mask_ratio(), 0.5);
  EXPECT_EQ(seen_[3].block().seed(), 4u);
}

TEST_F(ReconstructTest, WritesWebpIfAsked) {
  const std::string out = folder_ / "out";
  const ClientResult result = Run({File("a.png"), "--out", out, "--all", "--format", "webp"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Content(out + "/a.panel.webp"), "webp panel");
  for (const char* name : {"a.original.webp", "a.pasted.webp", "panel.webp"}) {
    EXPECT_EQ(Content(out + "/" + name).substr(0, 4), "RIFF") << name;
  }
  EXPECT_FALSE(std::filesystem::exists(out + "/panel.png"));
}

TEST_F(ReconstructTest, APanelOfAllThatIsTooLargeForWebpIsPng) {
  const std::string out = folder_ / "out";
  const ClientResult result = Run({File("a.png", "wide"), "--out", out, "--format", "webp"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("a.png"));
  EXPECT_TRUE(std::filesystem::exists(out + "/panel.png"));
  EXPECT_FALSE(std::filesystem::exists(out + "/panel.webp"));
}

TEST_F(ReconstructTest, TakesAMaskFromAFile) {
  EXPECT_EQ(Run({File("a.png"), "--mask", File("mask.txt", "10\n01\n")}).exit_code, 0);
  const ClientResult wrong = Run({File("a.png"), "--mask", File("wrong.txt", "10\n0x\n")});
  server_->Stop();
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_THAT(seen_[0].given().hidden(), testing::ElementsAre(true, false, false, true));
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("'x' is neither 0"));
  EXPECT_EQ(Run({File("a.png"), "--mask", "m", "--seed", "1"}).exit_code, 2);
}

}  // namespace
}  // namespace mae
