// Uploads that are broken off, and go on.
#include "tests/server/dataset_upload_fixture.h"

namespace mae {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST_F(DatasetUploadTest, GoesOnWithinAFileWhereItWasBrokenOff) {
  auto requests = WholeUpload();
  const auto& [path, content] = *files_.begin();
  const auto& [second_path, second] = *std::next(files_.begin());
  EXPECT_EQ(Upload({requests[0], requests[1], Part(second_path, second.substr(0, 7))}).error_code(),
            grpc::StatusCode::ABORTED);
  const v1::DatasetUpload there = MustGetUpload();
  EXPECT_EQ(there.files(), 1);
  EXPECT_EQ(there.bytes(), static_cast<int64_t>(content.size()));
  EXPECT_EQ(there.path(), second_path);
  EXPECT_EQ(there.offset(), 7);
  *requests[0].mutable_options()->mutable_resume() = there;
  requests[2] = Part(second_path, second.substr(7), 7, Sha256Hex(second));
  requests.erase(requests.begin() + 1);
  Host();  // A server that begins anew knows as much.
  const auto status = Upload(requests);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(FilesBelow(folder_ / "datasets" / "new"), files_);
}

TEST_F(DatasetUploadTest, HowFarItIsIsWrittenDownOnTheWay) {
  const TrashFolder trash(folder_ / "trash");
  UploadStaging staging(folder_ / "other", trash);
  DatasetUploadLimits limits;
  limits.save_bytes = 10;
  limits.reserve = 0;
  DatasetUpload upload(staging, *store_, limits);
  ASSERT_THAT(upload.Take(Options()), IsOk());
  ASSERT_THAT(upload.Take(Part("a", "0123456789")), IsOk());
  ASSERT_THAT(upload.Take(Part("a", "0", 10)), IsOk());
  EXPECT_THAT(ReadFile(folder_ / "other/new/progress.json"), IsOkAndHolds(HasSubstr("\"offset\":\"10\"")))
      << "all that a server that crashes here has to go on from";
}

TEST_F(DatasetUploadTest, OtherFilesDoNotGoOnAndRestartDropsWhatWasThere) {
  EXPECT_EQ(Upload({Options(), Whole("left-over", "x")}).error_code(), grpc::StatusCode::ABORTED);
  MustGetUpload();
  const auto other = Upload({Options("those")});
  EXPECT_EQ(other.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(other.error_message(), HasSubstr("1 files with 1 bytes"));
  auto requests = WholeUpload();
  requests[0].mutable_options()->set_source("those");
  requests[0].mutable_options()->set_restart(true);
  grpc::Status status;
  MustGetUpload();  // The refused call has been put away.
  status = Upload(requests);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(FilesBelow(folder_ / "datasets" / "new"), files_);
}

TEST_F(DatasetUploadTest, WhoDoesNotGoOnWhereTheFilesEndIsToldWhere) {
  EXPECT_EQ(Upload({Options(), Whole("a", "x")}).error_code(), grpc::StatusCode::ABORTED);
  MustGetUpload();
  const auto status = Upload({Options()});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(status.error_message(), HasSubstr("at 1 files with 1 bytes"));
}

TEST_F(DatasetUploadTest, AFileThatIsNotAsItsDigestSaysIsDroppedAndSentAgain) {
  const auto status = Upload({Options(), Whole("a", "x"), Part("b", "damaged", 0, Sha256Hex("whole"))});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(status.error_message(), HasSubstr("b arrived with the SHA-256 "));
  const auto there = MustGetUpload();
  EXPECT_EQ(there.files(), 1);
  EXPECT_EQ(there.path(), "");
}

TEST_F(DatasetUploadTest, WhatCannotBecomeTheDatasetStays) {
  UploadStaging staging(folder_ / "datasets" / ".uploads", store_->trash());
  {
    DatasetUpload upload(staging, *store_, {.reserve = 0});
    for (const auto& request : WholeUpload()) ASSERT_THAT(upload.Take(request), IsOk());
    fs::create_symlink("nowhere", folder_ / "datasets" / "new");  // Somebody else's hand.
    v1::Dataset dataset;
    EXPECT_THAT(upload.Publish([] { return false; }, dataset), StatusIs(absl::StatusCode::kAlreadyExists));
  }
  EXPECT_EQ(staging.Take("new")->Load().files(), static_cast<int64_t>(files_.size()));
}

TEST_F(DatasetUploadTest, WhatACrashLeftOnceItHadBecomeTheDatasetCountsForNothing) {
  EXPECT_EQ(Upload({Options(), Whole("a", "x")}).error_code(), grpc::StatusCode::ABORTED);
  MustGetUpload();
  fs::rename(staging() / "files", folder_ / "moved");
  v1::DatasetUpload there;
  EXPECT_EQ(GetUpload(there).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(DatasetUploadTest, AFileThatLostItsEndIsSentAgain) {
  EXPECT_EQ(Upload({Options(), Part("a", "12345678")}).error_code(), grpc::StatusCode::ABORTED);
  auto options = Options();
  *options.mutable_options()->mutable_resume() = MustGetUpload();
  fs::resize_file(staging() / "files/a", 3);
  const auto status = Upload({options});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(status.error_message(), HasSubstr("is shorter than it was"));
  EXPECT_EQ(MustGetUpload().path(), "");
}

TEST_F(DatasetUploadTest, ARefusedRestartDropsNothing) {
  EXPECT_EQ(Upload({Options(), Whole("a", "x")}).error_code(), grpc::StatusCode::ABORTED);
  MustGetUpload();
  auto options = Options("those", *FreeBytes(folder_.path()) + (int64_t{1} << 30));
  options.mutable_options()->set_restart(true);
  EXPECT_EQ(Upload({options}).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(MustGetUpload().files(), 1);
}

TEST_F(DatasetUploadTest, AStalledUploadIsGivenUpAndStays) {
  TransferLimits limits;
  limits.stall = absl::Seconds(2);  // Long enough for the next message on a busy machine.
  Host(limits);
  v1::Dataset ignored;
  const auto context = Patience();
  const auto writer = stub_->UploadDataset(context.get(), &ignored);
  writer->Write(Options());
  writer->Write(Whole("a", "x"));
  const auto status = writer->Finish();  // Never WritesDone: Finish waits for the server.
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("what arrived stays"));
  EXPECT_EQ(MustGetUpload().files(), 1);
}

TEST_F(DatasetUploadTest, NothingIsPublishedForACallerWhoHasGone) {
  UploadStaging staging(folder_ / "datasets" / ".uploads", store_->trash());
  {
    DatasetUpload upload(staging, *store_, {.reserve = 0});
    for (const auto& request : WholeUpload()) ASSERT_THAT(upload.Take(request), IsOk());
    v1::Dataset dataset;
    EXPECT_THAT(upload.Publish([] { return true; }, dataset), StatusIs(absl::StatusCode::kCancelled));
  }
  EXPECT_FALSE(fs::exists(folder_ / "datasets" / "new"));
  EXPECT_EQ(staging.Take("new")->Load().files(), static_cast<int64_t>(files_.size()));
}

TEST(UploadStagingTest, WhatHasNotGoneOnForLongIsSweptAway) {
  const TempFolder folder;
  const TrashFolder trash(folder / ".trash");
  UploadStaging staging(folder / "uploads", trash, absl::Hours(12));
  v1::DatasetUpload progress;
  progress.set_source("x");
  for (const char* name : {"old", "new", "claimed"}) ASSERT_THAT(staging.Take(name)->Save(progress), IsOk());
  const auto a_day_ago = fs::file_time_type::clock::now() - std::chrono::hours(24);
  for (const char* name : {"old", "claimed"})
    fs::last_write_time(folder / "uploads" / name / "progress.json", a_day_ago);
  const auto claim = staging.Take("claimed");
  staging.Sweep();
  EXPECT_FALSE(fs::exists(folder / "uploads/old"));
  EXPECT_TRUE(fs::exists(folder / "uploads/new"));
  EXPECT_TRUE(fs::exists(folder / "uploads/claimed")) << "a call is at it";
}

}  // namespace
}  // namespace mae
