#include "server/model_upload.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/server/model_files.h"
#include "tests/server/serving_fixture.h"

namespace mae {
namespace {

using testing::HasSubstr;

constexpr auto kRefused = absl::StatusCode::kInvalidArgument;

bool IsThere() { return false; }
bool HasGone() { return true; }

class ModelUploadTest : public testing::Test {
 protected:
  std::filesystem::path root() const { return models_.data / "transfers"; }
  absl::Status First(const std::vector<std::pair<std::string, std::string>>& files,
                     const std::string& model = "toy") {
    return ModelUpload(root(), 1000).Take(ImportFirst(files, model));
  }

  ServedModels models_;
};

TEST_F(ModelUploadTest, PublishesWhatCameWholeAndLeavesNothingBehind) {
  const auto files = TinyModelFiles();
  v1::ImportModelResponse response;
  {
    ModelUpload upload(root(), 1 << 20);
    auto first = ImportFirst(files);
    first.mutable_options()->add_aliases("prod");
    first.mutable_options()->set_license("MIT");
    ASSERT_THAT(upload.Take(first), IsOk());
    for (const auto& [name, content] : files) {
      const size_t half = content.size() / 2;
      ASSERT_THAT(upload.Take(ImportPiece(name, content.substr(0, half))), IsOk());
      ASSERT_THAT(upload.Take(ImportPiece(name, content.substr(half))), IsOk());
    }
    ASSERT_THAT(upload.Publish(*models_.store, IsThere, response), IsOk());
  }
  EXPECT_EQ(response.version().name(), "models/toy/versions/1");
  EXPECT_EQ(response.version().recipe(), "imported");
  EXPECT_EQ(response.version().license(), "MIT");
  EXPECT_EQ(response.version().source(), "model.safetensors");
  EXPECT_EQ(models_.store->Resolve("toy@prod")->version, 1);
  EXPECT_THAT(models_.store->Acquire("toy"), IsOk());
  EXPECT_TRUE(std::filesystem::is_empty(root()));
}

TEST_F(ModelUploadTest, NamesThatLeadOutOfTheFolderAreRefused) {
  for (const char* name : {"../x.pth", "/etc/x.pth", "a/x.pth", "..", ".x.pth", "x.tar", "card.json"}) {
    EXPECT_THAT(First({{name, "x"}}), StatusIs(kRefused, HasSubstr("options.files[0].name"))) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(root()));
}

TEST_F(ModelUploadTest, SizesAreBoundedBeforeAnythingIsWritten) {
  EXPECT_THAT(First({{"a.pth", std::string(1001, 'x')}}),
              StatusIs(kRefused, HasSubstr("files[0].bytes: 1001")));
  EXPECT_THAT(First({{"a.pth", std::string(600, 'x')}, {"config.json", std::string(600, 'x')}}),
              StatusIs(kRefused, HasSubstr("files[1].bytes: 600; at most 400")));
  auto request = ImportFirst({{"a.pth", "x"}});
  request.mutable_options()->mutable_files(0)->set_bytes(-1);
  EXPECT_THAT(ModelUpload(root(), 1000).Take(request), StatusIs(kRefused, HasSubstr("bytes: -1")));
  request.mutable_options()->mutable_files(0)->set_bytes(int64_t{1} << 60);
  EXPECT_THAT(ModelUpload(root(), int64_t{1} << 61).Take(request),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("bytes free")));
}

TEST_F(ModelUploadTest, WhatIsKeptForJobsIsNotTaken) {
  EXPECT_THAT(ModelUpload(root(), 1000, int64_t{1} << 60).Take(ImportFirst({{"a.pth", "x"}})),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk.reserve_mib")));
}

TEST_F(ModelUploadTest, OptionsAreCheckedByField) {
  EXPECT_THAT(First({}), StatusIs(kRefused, HasSubstr("options.files: 0 files")));
  EXPECT_THAT(First({{"a.pth", ""}}, "A B"), StatusIs(kRefused, HasSubstr("options.model")));
  EXPECT_THAT(First({{"a.pth", ""}, {"a.pth", ""}}), StatusIs(kRefused, HasSubstr("there twice")));
  auto request = ImportFirst({{"a.pth", ""}});
  request.mutable_options()->set_license(std::string(20'000, 'x'));
  EXPECT_THAT(ModelUpload(root(), 1000).Take(request), StatusIs(kRefused, HasSubstr("options.license")));
  request.mutable_options()->add_aliases("latest");
  EXPECT_THAT(ModelUpload(root(), 1000).Take(request),
              StatusIs(kRefused, HasSubstr("options.aliases: \"latest\"")));
  request.mutable_options()->clear_aliases();
  request.mutable_options()->set_source(std::string(20'000, 'x'));
  EXPECT_THAT(ModelUpload(root(), 1000).Take(request), StatusIs(kRefused, HasSubstr("options.source")));
}

TEST_F(ModelUploadTest, PiecesComeInOrderAndNoMoreThanAnnounced) {
  ModelUpload upload(root(), 1000);
  EXPECT_THAT(upload.Take(ImportPiece("a.pth", "x")),
              StatusIs(kRefused, HasSubstr("must be the first message")));
  const auto first = ImportFirst({{"a.pth", "abc"}, {"config.json", "{}"}});
  ASSERT_THAT(upload.Take(first), IsOk());
  EXPECT_THAT(upload.Take(first), StatusIs(kRefused, HasSubstr("sent before")));
  EXPECT_THAT(upload.Take(ImportPiece("config.json", "{}")),
              StatusIs(kRefused, HasSubstr("a.pth was to come")));
  EXPECT_THAT(upload.Take(ImportPiece("a.pth", "abcd")),
              StatusIs(kRefused, HasSubstr("4 bytes of a.pth where 3")));
  EXPECT_THAT(upload.Take(ImportPiece("a.pth", "")), StatusIs(kRefused, HasSubstr("piece.data: is empty")));
  EXPECT_THAT(upload.Take({}), StatusIs(kRefused));
}

TEST_F(ModelUploadTest, NothingIsPublishedOfWhatIsNotWhole) {
  v1::ImportModelResponse response;
  ModelUpload none(root(), 1000);
  EXPECT_THAT(none.Publish(*models_.store, IsThere, response),
              StatusIs(kRefused, HasSubstr("no message came")));
  ModelUpload half(root(), 1000);
  ASSERT_THAT(half.Take(ImportFirst({{"a.pth", "abc"}})), IsOk());
  ASSERT_THAT(half.Take(ImportPiece("a.pth", "a")), IsOk());
  EXPECT_THAT(half.Publish(*models_.store, IsThere, response),
              StatusIs(kRefused, HasSubstr("2 bytes before")));
  EXPECT_TRUE(models_.store->List()->empty());
}

TEST_F(ModelUploadTest, NothingIsPublishedForACallerWhoHasGone) {
  ModelUpload upload(root(), 1 << 20);
  const auto files = TinyModelFiles();
  ASSERT_THAT(upload.Take(ImportFirst(files)), IsOk());
  for (const auto& [name, content] : files) ASSERT_THAT(upload.Take(ImportPiece(name, content)), IsOk());
  v1::ImportModelResponse response;
  EXPECT_THAT(upload.Publish(*models_.store, HasGone, response), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_TRUE(models_.store->List()->empty());
}

TEST_F(ModelUploadTest, EachFaultOfAnOptionIsOfItsField) {
  using O = v1::ImportOptions;
  const std::pair<std::string, std::function<void(O&)>> cases[] = {
      {"options.num_heads: 3 does not divide", [](O& o) { o.set_num_heads(3); }},
      {"options.num_heads: 0", [](O& o) { o.set_num_heads(0); }},
      {"options.decoder_num_heads: -1", [](O& o) { o.set_decoder_num_heads(-1); }},
      {"options.image_height: 9x9 is not whole", [](O& o) { o.set_image_height(9); }},
      {"options.image_height: 0x0", [](O& o) { o.set_image_width(0); }},
      {"options.layer_norm_eps: is -1", [](O& o) { o.set_layer_norm_eps(-1); }},
      {"options.mask_ratio: is 2", [](O& o) { o.set_mask_ratio(2); }},
      {"options.mean: ", [](O& o) { o.add_mean(0.5); }},
      {"options.std: holds 0", [](O& o) { o.add_std(0); }},
      {"options.std: ", [](O& o) { o.add_std(0.5); }},
      {"options.labels: class 1 has an empty", [](O& o) { o.add_labels("a"), o.add_labels(""); }}};
  const auto files = TinyModelFiles();
  for (const auto& [fault, set] : cases) {
    auto first = ImportFirst(files);
    set(*first.mutable_options());
    ModelUpload upload(root(), 1 << 20);
    ASSERT_THAT(upload.Take(first), IsOk());
    for (const auto& [name, content] : files) ASSERT_THAT(upload.Take(ImportPiece(name, content)), IsOk());
    v1::ImportModelResponse response;
    const auto published = upload.Publish(*models_.store, IsThere, response);
    EXPECT_THAT(published, StatusIs(kRefused, testing::StartsWith(fault)));
    EXPECT_TRUE(published.GetPayload("type.googleapis.com/google.rpc.BadRequest").has_value()) << fault;
  }
  EXPECT_TRUE(models_.store->List()->empty());
}

TEST_F(ModelUploadTest, WhatWeightsDoNotTellIsAskedForByField) {
  const auto files = TinyModelFiles();
  ModelUpload upload(root(), 1 << 20);
  ASSERT_THAT(upload.Take(ImportFirst({files[0]})), IsOk());
  ASSERT_THAT(upload.Take(ImportPiece(files[0].first, files[0].second)), IsOk());
  v1::ImportModelResponse response;
  EXPECT_THAT(upload.Publish(*models_.store, IsThere, response),
              StatusIs(kRefused, HasSubstr("options.image_height")));
}

}  // namespace
}  // namespace mae
