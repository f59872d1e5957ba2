#include "server/dataset_upload.h"

#include <fstream>
#include <map>

#include "absl/synchronization/notification.h"
#include "base/durable_file.h"
#include "server/dataset_service.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/server/grpc_host.h"

namespace mae {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

using Files = std::map<std::string, std::string>;

Files FilesBelow(const fs::path& folder) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().lexically_relative(folder)] = *ReadFile(entry.path());
  }
  return files;
}

int64_t BytesOf(const Files& files) {
  int64_t bytes = 0;
  for (const auto& [path, content] : files) bytes += static_cast<int64_t>(content.size());
  return bytes;
}

v1::UploadDatasetRequest Options(const std::string& source = "these", int64_t bytes = 0) {
  v1::UploadDatasetRequest request;
  request.mutable_options()->set_dataset("new");
  request.mutable_options()->set_source(source);
  request.mutable_options()->set_bytes(bytes);
  return request;
}

v1::UploadDatasetRequest Part(const std::string& path, const std::string& data, int64_t offset = 0,
                              const std::string& sha256 = "") {
  v1::UploadDatasetRequest request;
  request.mutable_file()->set_path(path);
  request.mutable_file()->set_data(data);
  request.mutable_file()->set_offset(offset);
  request.mutable_file()->set_sha256(sha256);
  return request;
}

v1::UploadDatasetRequest Whole(const std::string& path, const std::string& data) {
  return Part(path, data, 0, Sha256Hex(data));
}

v1::UploadDatasetRequest End(int64_t files, int64_t bytes) {
  v1::UploadDatasetRequest request;
  request.mutable_end()->set_files(files);
  request.mutable_end()->set_bytes(bytes);
  return request;
}

class DatasetUploadTest : public testing::Test {
 protected:
  DatasetUploadTest() {
    WriteIdxDataset(folder_ / "source", 20, 10);
    files_ = FilesBelow(folder_ / "source");
    Host();
  }

  void Host(TransferLimits transfers = {}, DatasetUploadLimits uploads = {}) {
    host_ = nullptr;
    uploads.reserve = std::min<int64_t>(uploads.reserve, 1 << 20);
    service_ = std::make_unique<DatasetService>(
        *store_, queue_, [this](const std::string&) { return jobs_; }, transfers, uploads);
    host_ = std::make_unique<GrpcHost>(std::initializer_list<grpc::Service*>{service_.get()});
    stub_ = v1::DatasetService::NewStub(host_->channel());
  }

  std::vector<v1::UploadDatasetRequest> WholeUpload(const std::string& below = "") const {
    std::vector<v1::UploadDatasetRequest> requests = {Options()};
    for (const auto& [path, content] : files_) requests.push_back(Whole(below + path, content));
    requests.push_back(End(static_cast<int64_t>(files_.size()), BytesOf(files_)));
    return requests;
  }

  grpc::Status Upload(const std::vector<v1::UploadDatasetRequest>& requests, v1::Dataset* answer = nullptr) {
    v1::Dataset ignored;
    const auto context = Patience();
    const auto writer = stub_->UploadDataset(context.get(), answer == nullptr ? &ignored : answer);
    for (const auto& request : requests) {
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  grpc::Status GetUpload(v1::DatasetUpload& there) {
    v1::GetDatasetUploadRequest request;
    request.set_name("datasets/new");
    grpc::Status status;
    do {  // While the call before it is being put away.
      status = stub_->GetDatasetUpload(Patience().get(), request, &there);
    } while (status.error_code() == grpc::StatusCode::ABORTED);
    return status;
  }

  v1::DatasetUpload MustGetUpload() {
    v1::DatasetUpload there;
    const auto status = GetUpload(there);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return there;
  }

  grpc::Status Delete(const std::string& name) {
    v1::DeleteDatasetRequest request;
    request.set_name(name);
    google::protobuf::Empty ignored;
    return stub_->DeleteDataset(Patience().get(), request, &ignored);
  }

  // What arrived of an upload, once its call has been put away.
  void Drop() {
    MustGetUpload();
    EXPECT_TRUE(Delete("new").ok());
  }

  fs::path staging() const { return folder_ / "datasets" / ".uploads" / "new"; }

  const TempFolder folder_;
  Files files_;
  std::vector<std::string> jobs_;
  std::unique_ptr<DatasetStore> store_ =
      *DatasetStore::Create({{"configured", folder_ / "source"}}, folder_ / "datasets");
  WorkQueue queue_{1, 8};
  std::unique_ptr<DatasetService> service_;
  std::unique_ptr<GrpcHost> host_;
  std::unique_ptr<v1::DatasetService::Stub> stub_;
};

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
  UploadStaging staging(folder_ / "other");
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
  do {
    status = Upload(requests);
  } while (status.error_code() == grpc::StatusCode::ABORTED);  // The refused call is being put away.
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

TEST_F(DatasetUploadTest, OneCallAtATimeSendsToAName) {
  v1::Dataset ignored;
  const auto context = Patience();
  const auto first = stub_->UploadDataset(context.get(), &ignored);
  ASSERT_TRUE(first->Write(Options()));
  grpc::Status second;
  v1::GetDatasetUploadRequest request;
  request.set_name("new");
  v1::DatasetUpload there;
  do {  // Until the first has been taken up.
    second = stub_->GetDatasetUpload(Patience().get(), request, &there);
  } while (second.error_code() == grpc::StatusCode::NOT_FOUND);
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
  EXPECT_THAT(status.error_message(), HasSubstr("are still to come"));
}

TEST_F(DatasetUploadTest, AStalledUploadIsGivenUpAndStays) {
  TransferLimits limits;
  limits.stall = absl::Milliseconds(50);
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
  UploadStaging staging(folder_ / "datasets" / ".uploads");
  {
    DatasetUpload upload(staging, *store_, {.reserve = 0});
    for (const auto& request : WholeUpload()) ASSERT_THAT(upload.Take(request), IsOk());
    v1::Dataset dataset;
    EXPECT_THAT(upload.Publish([] { return true; }, dataset), StatusIs(absl::StatusCode::kCancelled));
  }
  EXPECT_FALSE(fs::exists(folder_ / "datasets" / "new"));
  EXPECT_EQ(staging.Take("new")->Load().files(), static_cast<int64_t>(files_.size()));
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
  EXPECT_TRUE(fs::is_empty(folder_ / "datasets" / ".deleted"));
  EXPECT_EQ(Delete("new").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Delete("configured").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(FaultyFields(Delete("../source")), ElementsAre("name"));
  EXPECT_TRUE(fs::exists(folder_ / "source"));
}

TEST(UploadStagingTest, WhatHasNotGoneOnForLongIsSweptAway) {
  const TempFolder folder;
  UploadStaging staging(folder.path());
  v1::DatasetUpload progress;
  progress.set_source("x");
  for (const char* name : {"old", "new", "claimed"}) ASSERT_THAT(staging.Take(name)->Save(progress), IsOk());
  const auto a_day_ago = fs::file_time_type::clock::now() - std::chrono::hours(24);
  for (const char* name : {"old", "claimed"}) fs::last_write_time(folder / name / "progress.json", a_day_ago);
  const auto claim = staging.Take("claimed");
  staging.Sweep(absl::Hours(12));
  EXPECT_FALSE(fs::exists(folder / "old"));
  EXPECT_TRUE(fs::exists(folder / "new"));
  EXPECT_TRUE(fs::exists(folder / "claimed")) << "a call is at it";
}

}  // namespace
}  // namespace mae
