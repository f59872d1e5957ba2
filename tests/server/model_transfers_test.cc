#include "server/model_transfers.h"

#include <gtest/gtest.h>

#include "server/model_service.h"
#include "tests/server/grpc_host.h"
#include "tests/server/model_files.h"
#include "tests/server/serving_fixture.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::map<std::string, std::vector<std::pair<int64_t, double>>> KnowsNoCurves(const std::string&) {
  return {};
}

/// A model service whose transfers have these limits.
struct TransferHost {
  explicit TransferHost(ServedModels& models, TransferLimits limits = {})
      : transfers(*models.store, models.data / "transfers", KnowsNoCurves, limits),
        service(*models.store, models.queue, transfers),
        host({&service}),
        stub(v1::ModelService::NewStub(host.channel())) {}

  ModelTransfers transfers;
  ModelService service;
  GrpcHost host;
  std::unique_ptr<v1::ModelService::Stub> stub;
};

grpc::Status Import(TransferHost& host, const std::vector<v1::ImportModelRequest>& requests,
                    v1::ImportModelResponse* response) {
  const auto context = Patience();
  const auto writer = host.stub->ImportModel(context.get(), response);
  for (const auto& request : requests) {
    if (!writer->Write(request)) break;
  }
  writer->WritesDone();
  return writer->Finish();
}

std::vector<v1::ImportModelRequest> WholeImport() {
  const auto files = TinyModelFiles();
  std::vector<v1::ImportModelRequest> requests = {ImportFirst(files)};
  for (const auto& [name, content] : files) requests.push_back(ImportPiece(name, content));
  return requests;
}

TEST(ModelTransfers, AnImportIsPublishedAndServed) {
  ServedModels models;
  TransferHost host(models);
  v1::ImportModelResponse response;
  const auto status = Import(host, WholeImport(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.version().name(), "models/toy/versions/1");
  EXPECT_THAT(response.version().labels(), ElementsAre("cat", "dog", "emu"));
  ASSERT_TRUE(Import(host, WholeImport(), &response).ok());
  EXPECT_EQ(response.version().name(), "models/toy/versions/2");
  EXPECT_THAT(models.store->Acquire("toy"), IsOk());
}

TEST(ModelTransfers, ARefusedImportNamesTheFieldAndPublishesNothing) {
  ServedModels models;
  TransferHost host(models);
  v1::ImportModelResponse response;
  const auto status = Import(host, {ImportFirst({{"../../mae.db", "x"}})}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FaultyFields(status), ElementsAre("options.files[0].name"));
  EXPECT_TRUE(models.store->List()->empty());
}

TEST(ModelTransfers, AnImportThatStallsIsEnded) {
  ServedModels models;
  TransferLimits limits;
  limits.stall = absl::Milliseconds(50);
  TransferHost host(models, limits);
  v1::ImportModelResponse response;
  const auto context = Patience();
  const auto writer = host.stub->ImportModel(context.get(), &response);
  writer->Write(WholeImport()[0]);
  const auto status = writer->Finish();  // Never WritesDone: Finish waits for the server.
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("no message came for 50ms"));
  EXPECT_TRUE(models.store->List()->empty());
}

TEST(ModelTransfers, AClientThatGoesAwayLeavesNothingBehind) {
  ServedModels models;
  {
    TransferHost host(models);
    v1::ImportModelResponse response;
    const auto context = Patience();
    const auto writer = host.stub->ImportModel(context.get(), &response);
    for (const auto& request : WholeImport()) writer->Write(request);
    context->TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  const auto folder = models.data / "transfers";
  EXPECT_TRUE(!std::filesystem::exists(folder) || std::filesystem::is_empty(folder));
}

TEST(ModelTransfers, TransfersBeyondTheLimitAreToldToComeBack) {
  ServedModels models;
  TransferLimits limits;
  limits.max_running = 1;
  TransferHost host(models, limits);
  v1::ImportModelResponse response;
  const auto context = Patience();
  const auto first = host.stub->ImportModel(context.get(), &response);
  ASSERT_TRUE(first->Write(WholeImport()[0]));
  // The first is known to run once a second is refused; one that is taken gives its place back.
  grpc::Status second;
  do {
    v1::ImportModelResponse ignored;
    second = Import(host, {ImportFirst({})}, &ignored);
  } while (second.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(second.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(second.error_message(), HasSubstr("1 imports and exports run already"));
  first->WritesDone();
  EXPECT_EQ(first->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(ModelTransfers, AnExportComesWhole) {
  ServedModels models;
  models.Publish("toy", TinyAutoencoder(3));
  TransferHost host(models);
  v1::ExportModelRequest request;
  request.set_name("toy@latest");
  request.set_format(v1::ExportModelRequest::PTH);
  const auto context = Patience();
  const auto reader = host.stub->ExportModel(context.get(), request);
  v1::ExportModelResponse response;
  ASSERT_TRUE(reader->Read(&response));
  int64_t missing = 0;
  for (const auto& file : response.header().files()) missing += file.bytes();
  EXPECT_GT(missing, 0);
  while (reader->Read(&response)) missing -= static_cast<int64_t>(response.piece().data().size());
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(missing, 0);
}

TEST(ModelTransfers, AnExportOfNothingIsNotFound) {
  ServedModels models;
  TransferHost host(models);
  v1::ExportModelRequest request;
  request.set_name("toy");
  request.set_format(v1::ExportModelRequest::PTH);
  const auto context = Patience();
  const auto reader = host.stub->ExportModel(context.get(), request);
  v1::ExportModelResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(ModelTransfers, WhatACrashLeftIsRemoved) {
  ServedModels models;
  std::filesystem::create_directories(models.data / "transfers" / "7" / "files");
  TransferHost host(models);
  EXPECT_FALSE(std::filesystem::exists(models.data / "transfers" / "7"));
}

}  // namespace
}  // namespace mae
