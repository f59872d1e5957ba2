#include "server/oip_service.h"

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class OipServiceTest : public OipTest {
 protected:
  grpc::Status Ready(const std::string& model, const std::string& version, bool& ready) {
    inference::ModelReadyRequest request;
    request.set_name(model);
    request.set_version(version);
    inference::ModelReadyResponse response;
    const auto status = stub_->ModelReady(Patience().get(), request, &response);
    ready = response.ready();
    return status;
  }

  inference::ModelMetadataResponse Metadata(const std::string& model, const std::string& version = "") {
    inference::ModelMetadataRequest request;
    request.set_name(model);
    request.set_version(version);
    inference::ModelMetadataResponse response;
    EXPECT_TRUE(stub_->ModelMetadata(Patience().get(), request, &response).ok());
    return response;
  }

  inference::ModelStatisticsResponse Statistics(const std::string& model = "",
                                                const std::string& version = "") {
    inference::ModelStatisticsRequest request;
    request.set_name(model);
    request.set_version(version);
    inference::ModelStatisticsResponse response;
    EXPECT_TRUE(stub_->ModelStatistics(Patience().get(), request, &response).ok());
    return response;
  }
};

std::string Tensor(const inference::ModelMetadataResponse::TensorMetadata& tensor) {
  std::string text = tensor.name() + " " + tensor.datatype();
  for (const int64_t size : tensor.shape()) text += " " + std::to_string(size);
  return text;
}

template <typename Tensors>
std::vector<std::string> TensorTexts(const Tensors& tensors) {
  std::vector<std::string> texts;
  for (const auto& tensor : tensors) texts.push_back(Tensor(tensor));
  return texts;
}

TEST_F(OipServiceTest, TellsWhatTheServerIsAndWhetherItIsReady) {
  inference::ServerLiveResponse live;
  ASSERT_TRUE(stub_->ServerLive(Patience().get(), {}, &live).ok());
  EXPECT_TRUE(live.live());
  for (const bool is_ready : {true, false}) {
    ready_ = is_ready;
    inference::ServerReadyResponse ready;
    ASSERT_TRUE(stub_->ServerReady(Patience().get(), {}, &ready).ok());
    EXPECT_EQ(ready.ready(), is_ready);
  }
  inference::ServerMetadataResponse metadata;
  ASSERT_TRUE(stub_->ServerMetadata(Patience().get(), {}, &metadata).ok());
  EXPECT_EQ(metadata.name(), "mae_server");
  EXPECT_EQ(metadata.version(), "1.2.3");
  EXPECT_THAT(metadata.extensions(), testing::Contains("statistics"));
}

TEST_F(OipServiceTest, APublishedModelIsReadyAndAnUnknownOneNotFound) {
  bool ready = false;
  for (const auto& [model, version] :
       {std::pair{"mae", ""}, {"mae", "1"}, {"mae", "prod"}, {"mae/embed", ""}}) {
    EXPECT_TRUE(Ready(model, version, ready).ok());
    EXPECT_TRUE(ready) << model << " " << version;
  }
  const auto unknown = Ready("mea", "", ready);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("mae"));
  EXPECT_EQ(Ready("mae", "2", ready).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Ready("mae/classify", "", ready).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(FaultyFields(Ready("mae/", "", ready)), ElementsAre("name"));
  EXPECT_THAT(FaultyFields(Ready("mae", "no number", ready)), ElementsAre("version"));
}

TEST_F(OipServiceTest, MetadataTellsTheTensorsOfEachTask) {
  models_.Publish("mae", TinyAutoencoder());
  const auto mae = Metadata("mae");
  EXPECT_EQ(mae.name(), "mae");
  EXPECT_THAT(mae.versions(), ElementsAre("1", "2"));
  EXPECT_THAT(TensorTexts(mae.inputs()), ElementsAre("images BYTES -1", "pixels UINT8 -1 -1 -1 -1",
                                                     "pixel_values FP32 -1 1 8 12", "mask BOOL 6"));
  EXPECT_THAT(TensorTexts(mae.outputs()),
              ElementsAre("loss FP32 -1", "mask BOOL -1 6", "ids_restore INT64 -1 6", "pixels FP32 -1 1 8 12",
                          "image_index INT64 -1", "mask_ratio FP32 -1", "prediction FP32 -1 6 16",
                          "original BYTES -1", "masked BYTES -1", "reconstruction BYTES -1",
                          "pasted BYTES -1", "panel BYTES -1"));
  const auto embed = Metadata("mae/embed", "prod");
  EXPECT_EQ(embed.name(), "mae/embed");
  EXPECT_THAT(embed.versions(), ElementsAre("1"));
  EXPECT_THAT(TensorTexts(embed.outputs()),
              ElementsAre("embedding FP32 -1 16", "patch_embeddings FP32 -1 6 16", "attention FP32 -1 2 2 3",
                          "attention_mean FP32 -1 2 3", "attention_mean_picture BYTES -1",
                          "attention_head_pictures BYTES -1 2", "attention_panel BYTES -1"));
  EXPECT_THAT(TensorTexts(Metadata("cats").outputs()),
              ElementsAre("probabilities FP32 -1 3", "logits FP32 -1 3", "top_indices INT64 -1 -1",
                          "top_labels BYTES -1 -1"));
}

// What ModelInfer gives is what ModelMetadata says.
TEST_F(OipServiceTest, AnswersAreAsDescribed) {
  for (const char* model : {"mae", "cats", "mae/embed"}) {
    const auto metadata = Metadata(model);
    auto request = PngRequest(model, 2);
    for (const auto& output : metadata.outputs()) request.add_outputs()->set_name(output.name());
    const auto response = MustInfer(request);
    ASSERT_EQ(response.outputs_size(), metadata.outputs_size());
    for (int i = 0; i < response.outputs_size(); ++i) {
      const auto& described = metadata.outputs(i);
      EXPECT_EQ(response.outputs(i).datatype(), described.datatype());
      ASSERT_EQ(response.outputs(i).shape_size(), described.shape_size()) << described.name();
      for (int d = 0; d < described.shape_size(); ++d) {
        if (described.shape(d) == -1) continue;
        EXPECT_EQ(response.outputs(i).shape(d), described.shape(d)) << described.name();
      }
    }
  }
}

TEST_F(OipServiceTest, ConfigTellsLimitsBatchingAndHowToNormalise) {
  inference::ModelConfigRequest request;
  request.set_name("cats");
  inference::ModelConfigResponse response;
  ASSERT_TRUE(stub_->ModelConfig(Patience().get(), request, &response).ok());
  const auto& config = response.config();
  EXPECT_EQ(config.name(), "cats");
  EXPECT_EQ(config.max_batch_size(), 4);
  EXPECT_EQ(config.dynamic_batching().max_queue_delay_microseconds(), 250U);
  EXPECT_THAT(config.dynamic_batching().preferred_batch_size(), ElementsAre(4, 32)) << "none above max_batch";
  EXPECT_EQ(config.dynamic_batching().default_queue_policy().max_queue_size(), 1024U);
  EXPECT_EQ(config.instance_group(0).kind(), inference::ModelInstanceGroup::KIND_CPU);
  ASSERT_THAT(config.input(), SizeIs(3));
  EXPECT_EQ(config.input(2).name(), "pixel_values");
  EXPECT_THAT(config.input(2).dims(), ElementsAre(3, 8, 12));
  for (const auto& input : config.input()) EXPECT_TRUE(input.optional());
  EXPECT_EQ(config.parameters().at("mean").string_value(), "0.25,0.25,0.25");
  EXPECT_EQ(config.parameters().at("precision").string_value(), "fp32");
}

TEST_F(OipServiceTest, StatisticsCountWhatEveryServiceAsks) {
  EXPECT_THAT(Statistics().model_stats(), IsEmpty());
  EXPECT_EQ(Statistics("mae").model_stats(0).inference_stats().success().count(), 0U);
  MustInfer(PngRequest("mae/embed", 3));
  MustInfer(PngRequest("mae"));
  EXPECT_FALSE(Refusal(PngRequest("mae", 5)).ok());
  EXPECT_FALSE(Refusal(PngRequest("nothing")).ok());
  const auto all = Statistics();
  ASSERT_THAT(all.model_stats(), SizeIs(1));
  const auto& one = all.model_stats(0);
  EXPECT_EQ(one.name(), "mae");
  EXPECT_EQ(one.version(), "1");
  EXPECT_EQ(one.inference_count(), 4U);
  EXPECT_EQ(one.execution_count(), 2U);
  EXPECT_GT(one.last_inference(), 1700000000000U);
  const auto& phases = one.inference_stats();
  EXPECT_EQ(phases.success().count(), 2U);
  EXPECT_EQ(phases.fail().count(), 1U);
  uint64_t together = 0;
  for (const auto* phase :
       {&phases.queue(), &phases.compute_input(), &phases.compute_infer(), &phases.compute_output()}) {
    EXPECT_EQ(phase->count(), 2U);
    EXPECT_GT(phase->ns(), 0U);
    together += phase->ns();
  }
  EXPECT_LE(together, phases.success().ns());
}

TEST_F(OipServiceTest, StatisticsOfAModelAreOfEachVersionUnderTheNameAskedFor) {
  models_.Publish("mae", TinyAutoencoder());
  MustInfer(PngRequest("mae/embed"));
  const auto both = Statistics("mae/embed");
  ASSERT_THAT(both.model_stats(), SizeIs(2));
  EXPECT_EQ(both.model_stats(0).name(), "mae/embed");
  EXPECT_EQ(both.model_stats(0).version(), "2");
  EXPECT_EQ(both.model_stats(0).inference_count(), 1U);
  EXPECT_EQ(both.model_stats(1).inference_count(), 0U);
  const auto first = Statistics("mae", "prod");
  ASSERT_THAT(first.model_stats(), SizeIs(1));
  EXPECT_EQ(first.model_stats(0).version(), "1");
}

TEST_F(OipServiceTest, TheRepositoryListsVersionsAndLoadsModels) {
  models_.Publish("mae", TinyAutoencoder());
  inference::RepositoryIndexResponse index;
  ASSERT_TRUE(stub_->RepositoryIndex(Patience().get(), {}, &index).ok());
  std::vector<std::string> listed;
  for (const auto& model : index.models())
    listed.push_back(model.name() + " " + model.version() + " " + model.state());
  EXPECT_THAT(listed, ElementsAre("cats 1 READY", "mae 1 READY", "mae 2 READY"));
  inference::RepositoryIndexRequest named;
  named.set_repository_name("other");
  EXPECT_THAT(FaultyFields(stub_->RepositoryIndex(Patience().get(), named, &index)),
              ElementsAre("repository_name"));

  inference::RepositoryModelLoadRequest load;
  inference::RepositoryModelLoadResponse loaded;
  load.set_model_name("cats/classify");
  const auto cats = models_.store->Resolve("cats");
  EXPECT_FALSE(models_.store->IsLoaded(*cats));
  ASSERT_TRUE(stub_->RepositoryModelLoad(Patience().get(), load, &loaded).ok());
  EXPECT_TRUE(models_.store->IsLoaded(*cats));
  load.set_model_name("nothing");
  EXPECT_EQ(stub_->RepositoryModelLoad(Patience().get(), load, &loaded).error_code(),
            grpc::StatusCode::NOT_FOUND);
  load.set_model_name("cats");
  (*load.mutable_parameters())["config"].set_string_param("{}");
  EXPECT_EQ(stub_->RepositoryModelLoad(Patience().get(), load, &loaded).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  inference::RepositoryModelUnloadRequest unload;
  inference::RepositoryModelUnloadResponse unloaded;
  unload.set_model_name("cats");
  (*unload.mutable_parameters())["unload_dependents"].set_bool_param(false);
  ASSERT_TRUE(stub_->RepositoryModelUnload(Patience().get(), unload, &unloaded).ok());
  EXPECT_FALSE(models_.store->IsLoaded(*cats));
  unload.set_model_name("nothing");
  EXPECT_EQ(stub_->RepositoryModelUnload(Patience().get(), unload, &unloaded).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(OipServiceTest, APinOutlivesLoadAndUnload) {
  ASSERT_THAT(models_.store->Load("mae", true, {}), IsOk());
  const auto mae = models_.store->Resolve("mae");
  inference::RepositoryModelLoadRequest load;
  inference::RepositoryModelLoadResponse loaded;
  load.set_model_name("mae@prod");
  ASSERT_TRUE(stub_->RepositoryModelLoad(Patience().get(), load, &loaded).ok());
  EXPECT_TRUE(models_.store->IsPinned(*mae));
  inference::RepositoryModelUnloadRequest unload;
  inference::RepositoryModelUnloadResponse unloaded;
  unload.set_model_name("mae");
  const auto refused = stub_->RepositoryModelUnload(Patience().get(), unload, &unloaded);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("models/mae/versions/1 is pinned"));
  EXPECT_TRUE(models_.store->IsPinned(*mae));
}

TEST_F(OipServiceTest, ANameWithAVersionOrAliasIsAboutThatVersion) {
  models_.Publish("mae", TinyAutoencoder());
  EXPECT_THAT(Metadata("mae").versions(), ElementsAre("1", "2"));
  EXPECT_THAT(Metadata("mae@prod").versions(), ElementsAre("1"));
  EXPECT_THAT(Metadata("mae/versions/2/embed").versions(), ElementsAre("2"));
  for (const char* name : {"mae", "mae/embed", "mae@prod", "mae@prod/embed", "mae/versions/1"}) {
    EXPECT_THAT(TensorTexts(Metadata(absl::StrCat("models/", name)).outputs()),
                ElementsAreArray(TensorTexts(Metadata(name).outputs())))
        << name;
  }
  EXPECT_THAT(Statistics("mae@prod").model_stats(), SizeIs(1));
  bool ready = false;
  EXPECT_THAT(FaultyFields(Ready("mae@prod", "2", ready)), ElementsAre("version"));
  EXPECT_EQ(Ready("mae@old", "", ready).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(OipServiceTest, SharedMemoryIsEmptyAndCantBeRegistered) {
  inference::SystemSharedMemoryStatusResponse system;
  EXPECT_TRUE(stub_->SystemSharedMemoryStatus(Patience().get(), {}, &system).ok());
  EXPECT_THAT(system.regions(), IsEmpty());
  inference::SystemSharedMemoryUnregisterResponse system_gone;
  EXPECT_TRUE(stub_->SystemSharedMemoryUnregister(Patience().get(), {}, &system_gone).ok());
  inference::SystemSharedMemoryRegisterResponse registered;
  EXPECT_EQ(stub_->SystemSharedMemoryRegister(Patience().get(), {}, &registered).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  inference::CudaSharedMemoryStatusResponse cuda;
  EXPECT_TRUE(stub_->CudaSharedMemoryStatus(Patience().get(), {}, &cuda).ok());
  inference::CudaSharedMemoryUnregisterResponse cuda_gone;
  EXPECT_TRUE(stub_->CudaSharedMemoryUnregister(Patience().get(), {}, &cuda_gone).ok());
  inference::CudaSharedMemoryRegisterResponse cuda_registered;
  EXPECT_EQ(stub_->CudaSharedMemoryRegister(Patience().get(), {}, &cuda_registered).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(OipServiceTest, ThereAreNoSettingsToChange) {
  inference::TraceSettingRequest trace;
  inference::TraceSettingResponse traced;
  EXPECT_TRUE(stub_->TraceSetting(Patience().get(), trace, &traced).ok());
  (*trace.mutable_settings())["trace_level"].add_value("OFF");
  const auto refused = stub_->TraceSetting(Patience().get(), trace, &traced);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(refused.error_message(),
              HasSubstr("trace settings of the Open Inference Protocol are not supported"));
  inference::LogSettingsRequest log;
  inference::LogSettingsResponse logged;
  EXPECT_TRUE(stub_->LogSettings(Patience().get(), log, &logged).ok());
  (*log.mutable_settings())["log_info"].set_bool_param(true);
  EXPECT_EQ(stub_->LogSettings(Patience().get(), log, &logged).error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(OipServiceTest, AnErrorOfAStreamGoesIntoItsResponseAndTheStreamGoesOn) {
  const auto context = Patience();
  const auto stream = stub_->ModelStreamInfer(context.get());
  inference::ModelStreamInferResponse response;
  auto bad = PngRequest("cats", 5);
  bad.set_id("bad");
  ASSERT_TRUE(stream->Write(bad));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_THAT(response.error_message(), HasSubstr("images: 5 images"));
  EXPECT_EQ(response.infer_response().id(), "bad");
  for (const int images : {1, 2}) {
    ASSERT_TRUE(stream->Write(PngRequest("cats", images)));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.error_message(), "");
    EXPECT_THAT(ShapeOf(response.infer_response(), "logits"), ElementsAre(images, 3));
    EXPECT_TRUE(response.infer_response().parameters().at("triton_final_response").bool_param());
  }
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(OipServiceTest, AStreamThatAsksForGrpcErrorsEndsWithThem) {
  const auto context = Patience();
  context->AddMetadata("triton_grpc_error", "true");
  const auto stream = stub_->ModelStreamInfer(context.get());
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Write(PngRequest("nothing")));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(OipServiceTest, AFullQueueIsAnErrorOfTheRequestAlone) {
  absl::Notification started, go_on;
  WorkQueue full(1, 0);
  ASSERT_TRUE(full.TryPush([&] {
    started.Notify();
    go_on.WaitForNotification();
  }));
  started.WaitForNotification();
  OipService service(models_.requests, models_.queue, full, {"", Settings(), [] { return true; }});
  GrpcHost host({&service});
  const auto context = Patience();
  const auto stream =
      inference::GRPCInferenceService::NewStub(host.channel())->ModelStreamInfer(context.get());
  inference::ModelStreamInferResponse response;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(stream->Write(PngRequest("cats")));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_THAT(response.error_message(), HasSubstr("as many calls waiting as it allows"));
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  go_on.Notify();
}

}  // namespace
}  // namespace mae
