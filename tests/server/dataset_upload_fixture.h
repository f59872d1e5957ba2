#pragma once

#include <fstream>
#include <map>

#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "server/dataset_service.h"
#include "server/dataset_upload.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/server/grpc_host.h"

namespace mae {

using UploadedFiles = std::map<std::string, std::string>;

inline UploadedFiles FilesBelow(const std::filesystem::path& folder) {
  UploadedFiles files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().lexically_relative(folder)] = *ReadFile(entry.path());
  }
  return files;
}

inline int64_t BytesOf(const UploadedFiles& files) {
  int64_t bytes = 0;
  for (const auto& [path, content] : files) bytes += static_cast<int64_t>(content.size());
  return bytes;
}

/// Messages of one upload, to the dataset `new`.
inline v1::UploadDatasetRequest Options(const std::string& source = "these", int64_t bytes = 0) {
  v1::UploadDatasetRequest request;
  request.mutable_options()->set_dataset("new");
  request.mutable_options()->set_source(source);
  request.mutable_options()->set_bytes(bytes);
  return request;
}

inline v1::UploadDatasetRequest Part(const std::string& path, const std::string& data, int64_t offset = 0,
                                     const std::string& sha256 = "") {
  v1::UploadDatasetRequest request;
  request.mutable_file()->set_path(path);
  request.mutable_file()->set_data(data);
  request.mutable_file()->set_offset(offset);
  request.mutable_file()->set_sha256(sha256);
  return request;
}

inline v1::UploadDatasetRequest Whole(const std::string& path, const std::string& data) {
  return Part(path, data, 0, Sha256Hex(data));
}

inline v1::UploadDatasetRequest End(int64_t files, int64_t bytes) {
  v1::UploadDatasetRequest request;
  request.mutable_end()->set_files(files);
  request.mutable_end()->set_bytes(bytes);
  return request;
}

/// A DatasetService over a socket, the files of a small IDX dataset to send to it, and a dataset
/// `configured`.
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
    const absl::Time end = absl::Now() + absl::Seconds(30);
    do {  // While the call before it is being put away.
      status = stub_->GetDatasetUpload(Patience().get(), request, &there);
    } while (status.error_code() == grpc::StatusCode::ABORTED && absl::Now() < end);
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

  std::filesystem::path staging() const { return folder_ / "datasets" / ".uploads" / "new"; }

  const TempFolder folder_;
  UploadedFiles files_;
  std::vector<std::string> jobs_;
  std::unique_ptr<DatasetStore> store_ =
      *DatasetStore::Create({{"configured", folder_ / "source"}}, folder_ / "datasets");
  WorkQueue queue_{1, 8};
  std::unique_ptr<DatasetService> service_;
  std::unique_ptr<GrpcHost> host_;
  std::unique_ptr<v1::DatasetService::Stub> stub_;
};

}  // namespace mae
