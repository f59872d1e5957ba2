#include "server/model_transfers.h"

#include <gtest/gtest.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "server/model_service.h"
#include "tests/server/grpc_host.h"
#include "tests/server/model_files.h"
#include "tests/server/serving_fixture.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Curves KnowsNoCurves(const std::string&) { return {}; }

// Else a client that reads nothing takes megabytes all the same.
grpc::ChannelArguments SmallWindow() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 1 << 16);
  return arguments;
}

/// A model service whose transfers have these limits.
struct TransferHost {
  explicit TransferHost(ServedModels& models, TransferLimits limits = {},
                        const CurvesOfJob& curves = KnowsNoCurves)
      : transfers(*models.store, models.data / "transfers", curves, 0, limits),
        service(*models.store, models.queue, models.queue, transfers,
                [](const std::string&) { return std::vector<std::string>(); }),
        host({&service}, SmallWindow()),
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
  EXPECT_THAT(second.error_message(), HasSubstr("1 transfers run already"));
  first->WritesDone();
  EXPECT_EQ(first->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(ModelTransfers, AnImportThatGoesOnForTooLongIsEnded) {
  ServedModels models;
  TransferLimits limits;
  limits.whole = absl::Milliseconds(50);
  TransferHost host(models, limits);
  v1::ImportModelResponse response;
  const auto context = Patience();
  const auto writer = host.stub->ImportModel(context.get(), &response);
  writer->Write(WholeImport()[0]);
  const auto status = writer->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("took more than 50ms"));
}

v1::ExportModelRequest AskFor(const std::string& name) {
  v1::ExportModelRequest request;
  request.set_name(name);
  request.set_format(v1::ExportModelRequest::PTH);
  return request;
}

bool HoldsFiles(const ServedModels& models) {
  std::error_code none;
  return std::filesystem::directory_iterator(models.data / "transfers", none) !=
         std::filesystem::directory_iterator();
}

/// Exports that hold both threads of the transfers until they are let go.
struct BusyThreads {
  absl::BlockingCounter entered{2};
  absl::Notification released;
  std::unique_ptr<grpc::ClientContext> contexts[2] = {Patience(), Patience()};
  std::unique_ptr<grpc::ClientReader<v1::ExportModelResponse>> readers[2];

  CurvesOfJob Curves() {
    return [this](const std::string&) {
      entered.DecrementCount();
      released.WaitForNotification();
      return mae::Curves();
    };
  }
  void Hold(TransferHost& host) {
    for (int i = 0; i < 2; ++i) readers[i] = host.stub->ExportModel(contexts[i].get(), AskFor("busy"));
    entered.Wait();
  }
  void Release() {
    released.Notify();
    v1::ExportModelResponse response;
    for (const auto& reader : readers) {
      while (reader->Read(&response)) continue;
      EXPECT_TRUE(reader->Finish().ok());
    }
  }
};

TEST(ModelTransfers, RefusedCallsDoNotHurtThoseThatRun) {
  ServedModels models;
  models.Publish("busy", TinyAutoencoder(3));
  BusyThreads busy;
  TransferLimits limits;
  limits.max_running = 3;
  TransferHost host(models, limits, busy.Curves());
  const auto requests = WholeImport();
  v1::ImportModelResponse response;
  const auto context = Patience();
  const auto writer = host.stub->ImportModel(context.get(), &response);
  ASSERT_TRUE(writer->Write(requests[0]));
  // Its folder shows that it has its place.
  while (!HoldsFiles(models)) continue;
  busy.Hold(host);
  for (int i = 0; i < 20; ++i) {
    v1::ImportModelResponse none;
    EXPECT_EQ(Import(host, {ImportFirst({})}, &none).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_TRUE(writer->Write(requests[1]));
  v1::ImportModelResponse none;
  EXPECT_THAT(Import(host, {ImportFirst({})}, &none).error_message(), HasSubstr("3 transfers run"));
  busy.Release();
  for (size_t i = 2; i < requests.size(); ++i) EXPECT_TRUE(writer->Write(requests[i]));
  writer->WritesDone();
  const auto status = writer->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(ModelTransfers, AnExportWhoseClientTakesNothingIsEnded) {
  ServedModels models;
  auto large = TinyAutoencoder(3);
  std::get<MaskedAutoencoderOptions>(large.model).encoder.embed_dim = 256;
  models.Publish("large", large);
  TransferLimits limits;
  limits.stall = absl::Milliseconds(50);
  TransferHost host(models, limits);
  const auto context = Patience();
  const auto reader = host.stub->ExportModel(context.get(), AskFor("large"));
  // Its place is free again only once it has ended.
  while (!HoldsFiles(models)) continue;
  while (HoldsFiles(models)) continue;
  v1::ExportModelResponse response;
  while (reader->Read(&response)) continue;
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(ModelTransfers, AnExportComesWhole) {
  ServedModels models;
  models.Publish("toy", TinyAutoencoder(3));
  TransferHost host(models);
  const auto context = Patience();
  const auto reader = host.stub->ExportModel(context.get(), AskFor("toy@latest"));
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
  const auto context = Patience();
  const auto reader = host.stub->ExportModel(context.get(), AskFor("toy"));
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
