#include "tests/server/dataset_upload_fixture.h"

namespace mae {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(DatasetUploadTest, WholeFilesBecomeADataset) {
  v1::Dataset dataset;
  const auto status = Upload(WholeUpload(), &dataset);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(dataset.name(), "datasets/new");
  EXPECT_EQ(dataset.format(), "idx");
  EXPECT_EQ(dataset.train_images(), 20);
  EXPECT_EQ(dataset.problem(), "");
  EXPECT_EQ(FilesBelow(folder_ / "datasets" / "new"), files_);
  v1::DatasetUpload there;
  EXPECT_EQ(GetUpload(there).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_FALSE(fs::exists(staging()));
}

TEST_F(DatasetUploadTest, AFolderAroundAllFilesIsLeftAway) {
  const auto status = Upload(WholeUpload("fashion/"));
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(FilesBelow(folder_ / "datasets" / "new"), files_);
}

TEST_F(DatasetUploadTest, PathsThatLeadElsewhereAreRefused) {
  const std::string deep = "1/2/3/4/5/6/7/8/9/file", long_part = std::string(256, 'x');
  for (const std::string path : {"../out", "a/../../out", "/etc/out", "a//b", "", ".hidden", "a/.b/c", "a/b/",
                                 "line\nbreak", deep.c_str(), long_part.c_str()}) {
    const auto status = Upload({Options(), Whole(path, "x")});
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << path;
    EXPECT_THAT(FaultyFields(status), ElementsAre("file.path")) << path;
    Drop();
  }
  EXPECT_FALSE(fs::exists(folder_ / "datasets" / ".uploads" / "out"));
  const auto both = Upload({Options(), Whole("a", "x"), Whole("a/b", "x")});
  EXPECT_EQ(both.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(both.error_message(), HasSubstr("a file where it wants a folder"));
}

TEST_F(DatasetUploadTest, MessagesOutOfOrderAreRefusedByField) {
  const auto fault = [this](const std::vector<v1::UploadDatasetRequest>& requests) {
    v1::DatasetUpload there;
    if (GetUpload(there).ok()) {
      EXPECT_TRUE(Delete("new").ok());
    }
    const auto status = Upload(requests);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    return FaultyFields(status);
  };
  EXPECT_THAT(fault({}), ElementsAre("options"));
  EXPECT_THAT(fault({Whole("a", "x")}), ElementsAre("options"));
  EXPECT_THAT(fault({Options(), Options()}), ElementsAre("options"));
  EXPECT_THAT(fault({Options(), v1::UploadDatasetRequest()}), ElementsAre("part"));
  EXPECT_THAT(fault({Options("")}), ElementsAre("options.source"));
  EXPECT_THAT(fault({Options("these", -1)}), ElementsAre("options.bytes"));
  auto named = Options();
  named.mutable_options()->set_dataset("../x");
  EXPECT_THAT(fault({named}), ElementsAre("options.dataset"));
  EXPECT_THAT(fault({Options(), Part("a", "x"), Part("b", "y")}), ElementsAre("file.path"));
  EXPECT_THAT(fault({Options(), Part("a", "x"), Part("a", "y", 2)}), ElementsAre("file.offset"));
  EXPECT_THAT(fault({Options(), Part("a", "")}), ElementsAre("file.data"));
  EXPECT_THAT(fault({Options(), Part("a", "x"), End(1, 1)}), ElementsAre("end"));
  EXPECT_THAT(fault({Options(), Whole("a", "x"), End(2, 1)}), ElementsAre("end"));
  EXPECT_THAT(fault({Options(), Whole("a", "x"), End(1, 1), Whole("b", "x")}), ElementsAre("part"));
}

TEST_F(DatasetUploadTest, WhatIsNoDatasetIsNotPublishedAndStays) {
  const auto status = Upload({Options(), Whole("notes.txt", "x"), End(1, 1)});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("holds none of the formats"));
  EXPECT_THAT(status.error_message(), testing::Not(HasSubstr(".uploads"))) << "a path of the server's";
  EXPECT_THAT(status.error_message(), HasSubstr("delete datasets/new"));
  EXPECT_EQ(MustGetUpload().files(), 1);
  EXPECT_FALSE(fs::exists(folder_ / "datasets" / "new"));
}

TEST_F(DatasetUploadTest, ADatasetThatExistsIsNotReplaced) {
  ASSERT_TRUE(Upload(WholeUpload()).ok());
  v1::DatasetUpload there;
  GetUpload(there).ok();
  EXPECT_EQ(Upload({Options()}).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  auto configured = Options();
  configured.mutable_options()->set_dataset("configured");
  EXPECT_EQ(Upload({configured}).error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(DatasetUploadTest, AFolderWhoseNameLooksLikeAnArchiveIsADatasetOfThatName) {
  auto requests = WholeUpload();
  requests[0].mutable_options()->set_dataset("datasets/a.tar.gz");
  v1::Dataset dataset;
  const auto status = Upload(requests, &dataset);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(dataset.name(), "datasets/a.tar.gz");
  requests.resize(1);
  EXPECT_EQ(Upload(requests).error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(DatasetUploadTest, OneCallAtATimeSendsToAName) {
  v1::Dataset ignored;
  const auto context = Patience();
  const auto first = stub_->UploadDataset(context.get(), &ignored);
  ASSERT_TRUE(first->Write(Options()));
  grpc::Status second;
  v1::GetDatasetUploadRequest request;
  request.set_name("new");
  v1::DatasetUpload there;
  const absl::Time end = absl::Now() + absl::Seconds(30);
  do {  // Until the first has been taken up.
    second = stub_->GetDatasetUpload(Patience().get(), request, &there);
  } while (second.error_code() == grpc::StatusCode::NOT_FOUND && absl::Now() < end);
  EXPECT_EQ(second.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(Upload({Options()}).error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(Delete("new").error_code(), grpc::StatusCode::ABORTED);
  context->TryCancel();
  first->Finish();
  EXPECT_EQ(MustGetUpload().source(), "these");
}

TEST_F(DatasetUploadTest, SizesAreBounded) {
  DatasetUploadLimits limits;
  limits.max_bytes = 10;
  limits.max_files = 1;
  Host({}, limits);
  EXPECT_THAT(FaultyFields(Upload({Options("these", 11)})), ElementsAre("options.bytes"));
  EXPECT_THAT(FaultyFields(Upload({Options(), Part("a", "12345678901")})), ElementsAre("file.data"));
  Drop();
  EXPECT_THAT(FaultyFields(Upload({Options(), Whole("a", "x"), Whole("b", "x")})), ElementsAre("file"));
}

TEST_F(DatasetUploadTest, TheDiskKeepsRoomForJobs) {
  const int64_t more_than_is_free = *FreeBytes(folder_.path()) + (int64_t{1} << 30);
  const auto status = Upload({Options("these", more_than_is_free)});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("are needed"));
  v1::DatasetUpload there;
  EXPECT_EQ(GetUpload(there).error_code(), grpc::StatusCode::NOT_FOUND) << "it blocks the name";
}

TEST_F(DatasetUploadTest, DeletingTakesTheFilesAwayUnlessTheyAreNeeded) {
  ASSERT_TRUE(Upload(WholeUpload()).ok());
  v1::DatasetUpload there;
  GetUpload(there).ok();
  jobs_ = {"jobs/pretrain-1"};
  const auto used = Delete("datasets/new");
  EXPECT_EQ(used.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(used.error_message(), HasSubstr("jobs/pretrain-1"));
  jobs_.clear();
  ASSERT_TRUE(Delete("datasets/new").ok());
  EXPECT_THAT(store_->List(), testing::SizeIs(1));
  EXPECT_FALSE(fs::exists(folder_ / "datasets" / "new"));
  EXPECT_EQ(Delete("new").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Delete("configured").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(FaultyFields(Delete("../source")), ElementsAre("name"));
  EXPECT_TRUE(fs::exists(folder_ / "source"));
  host_ = nullptr;
  service_ = nullptr;  // Ends once its work has.
  EXPECT_TRUE(fs::is_empty(folder_ / "datasets" / ".deleted"));
}

}  // namespace
}  // namespace mae
