#include "server/model_download.h"

#include <gtest/gtest.h>

#include "tests/server/serving_fixture.h"

namespace mae {
namespace {

using testing::HasSubstr;

class ModelDownloadTest : public testing::Test {
 protected:
  ModelDownloadTest() { models_.Publish("toy", TinyClassifier(3)); }

  static v1::ExportModelRequest Asked(v1::ExportModelRequest::Format format,
                                      const std::string& name = "models/toy") {
    v1::ExportModelRequest request;
    request.set_name(name);
    request.set_format(format);
    return request;
  }
  absl::Status Prepare(ModelDownload& download, const v1::ExportModelRequest& request) {
    return download.Prepare(request, *models_.store, [](const std::string& job) {
      return Curves{{"loss of " + job, {{7, 0.25}}}};
    });
  }

  ServedModels models_;
  ModelDownload download_{models_.data / "transfers"};
};

TEST_F(ModelDownloadTest, GivesTheHeaderThenEveryByteOfItsFiles) {
  ASSERT_THAT(Prepare(download_, Asked(v1::ExportModelRequest::TIMM)), IsOk());
  v1::ExportModelResponse response;
  ASSERT_THAT(download_.Next(response), IsOkAndHolds(true));
  const auto header = response.header();
  EXPECT_EQ(header.model_version(), "models/toy/versions/1");
  std::map<std::string, std::string> files;
  while (true) {
    response.Clear();
    const auto more = download_.Next(response);
    ASSERT_THAT(more, IsOk());
    if (!*more) break;
    files[response.piece().file()] += response.piece().data();
  }
  ASSERT_EQ(header.files_size(), 3);
  for (const auto& file : header.files()) {
    EXPECT_EQ(static_cast<int64_t>(files[file.name()].size()), file.bytes()) << file.name();
  }
  EXPECT_THAT(files["README.md"], HasSubstr("loss of jobs/1: 7: 0.25"));
  EXPECT_THAT(files["config.json"], HasSubstr("\"architecture\""));
}

TEST_F(ModelDownloadTest, WhatIsKeptForJobsIsNotTaken) {
  ModelDownload download(models_.data / "transfers", int64_t{1} << 60);
  EXPECT_THAT(Prepare(download, Asked(v1::ExportModelRequest::TIMM)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk.reserve_mib")));
}

// rpc.max_message_mib may be 1.
TEST_F(ModelDownloadTest, PiecesFitIntoAMebibyte) {
  auto large = TinyClassifier(3);
  std::get<VisionTransformerOptions>(large.model).encoder.embed_dim = 256;
  models_.Publish("large", large);
  ASSERT_THAT(Prepare(download_, Asked(v1::ExportModelRequest::OFFICIAL, "large")), IsOk());
  int64_t bytes = 0;
  v1::ExportModelResponse response;
  for (auto more = download_.Next(response); more.ok() && *more; more = download_.Next(response)) {
    EXPECT_LT(response.ByteSizeLong(), 1U << 20);
    bytes += static_cast<int64_t>(response.ByteSizeLong());
    response.Clear();
  }
  EXPECT_GT(bytes, 2 << 20);
}

TEST_F(ModelDownloadTest, RefusalsNameTheField) {
  EXPECT_THAT(Prepare(download_, Asked(v1::ExportModelRequest::FORMAT_UNSPECIFIED)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("format")));
  EXPECT_THAT(Prepare(download_, Asked(v1::ExportModelRequest::PTH, "models/ty")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("toy")));
  EXPECT_THAT(Prepare(download_, Asked(v1::ExportModelRequest::HUGGING_FACE)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("format: ")));
}

}  // namespace
}  // namespace mae
