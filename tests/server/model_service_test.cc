#include "server/model_service.h"

#include "server/model_metrics.h"
#include "tests/server/grpc_host.h"
#include "tests/server/serving_fixture.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

Curves NoCurves(const std::string&) { return {}; }

class ModelServiceTest : public testing::Test {
 protected:
  ModelServiceTest() {
    models_.Publish("mae", TinyAutoencoder(), {"prod"});
    models_.Publish("mae", TinyAutoencoder());
    models_.Publish("cats", TinyClassifier());
  }

  grpc::Status Get(const std::string& name, v1::Model& model) {
    v1::GetModelRequest request;
    request.set_name(name);
    return stub_->GetModel(Patience().get(), request, &model);
  }

  grpc::Status SetAlias(const std::string& model, const std::string& alias, int64_t version,
                        v1::Model& answer) {
    v1::SetAliasRequest request;
    request.set_name(model);
    request.set_alias(alias);
    request.set_version(version);
    return stub_->SetAlias(Patience().get(), request, &answer);
  }

  grpc::Status Delete(const std::string& name) {
    v1::DeleteModelVersionRequest request;
    request.set_name(name);
    google::protobuf::Empty nothing;
    return stub_->DeleteModelVersion(Patience().get(), request, &nothing);
  }

  grpc::Status Load(const std::string& name, bool pin, v1::ModelVersion& version) {
    v1::LoadModelRequest request;
    request.set_name(name);
    request.set_pin(pin);
    return stub_->LoadModel(Patience().get(), request, &version);
  }

  grpc::Status Unload(const std::string& name, v1::ModelVersion& version,
                      std::unique_ptr<grpc::ClientContext> context = Patience()) {
    v1::UnloadModelRequest request;
    request.set_name(name);
    return stub_->UnloadModel(context.get(), request, &version);
  }

  ServedModels models_;
  ModelTransfers transfers_{*models_.store, models_.data / "transfers", NoCurves};
  // What the jobs of the server would be.
  absl::StatusOr<std::vector<std::string>> jobs_from_ = std::vector<std::string>();
  std::string asked_for_;
  ModelService service_{*models_.store, models_.queue, models_.queue, transfers_,
                        [this](const std::string& version) {
                          asked_for_ = version;
                          return jobs_from_;
                        }};
  GrpcHost host_{&service_};
  std::unique_ptr<v1::ModelService::Stub> stub_ = v1::ModelService::NewStub(host_.channel());
};

TEST_F(ModelServiceTest, GetModelTellsAllOfAModel) {
  v1::Model model;
  ASSERT_TRUE(Get("models/mae", model).ok());
  EXPECT_EQ(model.name(), "models/mae");
  EXPECT_THAT(model.aliases(), UnorderedElementsAre(Pair("latest", 2), Pair("prod", 1)));
  ASSERT_THAT(model.versions(), SizeIs(2));
  const auto& newest = model.versions(0);
  EXPECT_EQ(newest.name(), "models/mae/versions/2");
  EXPECT_EQ(newest.version(), 2);
  EXPECT_EQ(newest.kind(), "masked_autoencoder");
  EXPECT_EQ(newest.job(), "jobs/2");
  EXPECT_EQ(newest.recipe(), "tiny");
  EXPECT_THAT(newest.metrics(), ElementsAre(Pair("loss", 0.5)));
  EXPECT_EQ(newest.image_height(), 8);
  EXPECT_EQ(newest.image_width(), 12);
  EXPECT_EQ(newest.patch_size(), 4);
  EXPECT_EQ(newest.channels(), 1);
  EXPECT_GT(newest.parameters(), 0);
  EXPECT_THAT(newest.sha256(), SizeIs(64));
  EXPECT_GT(newest.create_time().seconds(), 1600000000);
}

TEST_F(ModelServiceTest, GetModelOfAVersionOrAliasGivesThatOne) {
  for (const char* name : {"models/mae/versions/1", "mae@prod"}) {
    v1::Model model;
    ASSERT_TRUE(Get(name, model).ok());
    ASSERT_THAT(model.versions(), SizeIs(1));
    EXPECT_EQ(model.versions(0).version(), 1);
    EXPECT_THAT(model.aliases(), ElementsAre(Pair("prod", 1)));
  }
  v1::Model latest;
  ASSERT_TRUE(Get("mae@latest", latest).ok());
  EXPECT_EQ(latest.versions(0).version(), 2);
}

TEST_F(ModelServiceTest, GetModelTellsWhatIsLoadedAndLabelled) {
  v1::Model model;
  ASSERT_TRUE(Get("cats", model).ok());
  EXPECT_FALSE(model.versions(0).loaded());
  EXPECT_THAT(model.versions(0).labels(), ElementsAre("cat", "dog", "emu"));
  ASSERT_THAT(models_.store->Acquire("cats"), IsOk());
  ASSERT_TRUE(Get("cats", model).ok());
  EXPECT_TRUE(model.versions(0).loaded());
}

TEST_F(ModelServiceTest, GetModelRefusesWhatIsNotThere) {
  v1::Model model;
  const auto unknown = Get("models/mea", model);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("'mae'"));
  EXPECT_EQ(Get("mae@pord", model).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Get("mae/versions/3", model).error_code(), grpc::StatusCode::NOT_FOUND);
  for (const char* bad : {"", "../mae", "mae/versions/x"}) {
    const auto status = Get(bad, model);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(FaultyFields(status), ElementsAre("name"));
  }
}

TEST_F(ModelServiceTest, ListModelsPagesInOrderOfName) {
  v1::ListModelsRequest request;
  request.set_page_size(1);
  std::vector<std::string> names;
  do {
    v1::ListModelsResponse response;
    ASSERT_TRUE(stub_->ListModels(Patience().get(), request, &response).ok());
    ASSERT_THAT(response.models(), SizeIs(1));
    names.push_back(response.models(0).name());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("models/cats", "models/mae"));
  request.set_page_size(-1);
  v1::ListModelsResponse response;
  EXPECT_EQ(stub_->ListModels(Patience().get(), request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ModelServiceTest, SetAliasMovesItToAVersionInMemory) {
  v1::Model model;
  ASSERT_TRUE(SetAlias("models/mae", "prod", 2, model).ok());
  EXPECT_THAT(model.aliases(), UnorderedElementsAre(Pair("latest", 2), Pair("prod", 2)));
  EXPECT_TRUE(model.versions(0).loaded());
  EXPECT_FALSE(model.versions(1).loaded());
  ASSERT_TRUE(SetAlias("models/mae", "prod", 0, model).ok());
  EXPECT_THAT(model.aliases(), ElementsAre(Pair("latest", 2)));
}

TEST_F(ModelServiceTest, SetAliasNamesTheFieldAtFault) {
  v1::Model model;
  EXPECT_THAT(FaultyFields(SetAlias("models/mae", "latest", 1, model)), ElementsAre("alias"));
  EXPECT_THAT(FaultyFields(SetAlias("models/mae", "", 1, model)), ElementsAre("alias"));
  EXPECT_THAT(FaultyFields(SetAlias("models/mae", "1", 2, model)), ElementsAre("alias"));
  EXPECT_THAT(FaultyFields(SetAlias("models/mae", "latest", 0, model)), ElementsAre("alias"));
  EXPECT_THAT(FaultyFields(SetAlias("models/mae", "prod", -2, model)), ElementsAre("version"));
  EXPECT_THAT(FaultyFields(SetAlias("models/mae@prod", "next", 1, model)), ElementsAre("name"));
  EXPECT_THAT(FaultyFields(SetAlias("../x", "next", 1, model)), ElementsAre("name"));
  EXPECT_EQ(SetAlias("models/mae", "next", 9, model).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ModelServiceTest, DeleteRemovesAVersionThatNothingNeeds) {
  ASSERT_TRUE(Delete("models/mae/versions/2").ok());
  EXPECT_EQ(asked_for_, "models/mae/versions/2");
  v1::Model model;
  ASSERT_TRUE(Get("models/mae", model).ok());
  EXPECT_THAT(model.aliases(), UnorderedElementsAre(Pair("latest", 1), Pair("prod", 1)));
  EXPECT_EQ(Delete("models/mae/versions/2").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ModelServiceTest, DeleteRefusesWhatAnAliasOrAJobNeeds) {
  const auto aliased = Delete("models/mae/versions/1");
  EXPECT_EQ(aliased.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(aliased.error_message(), HasSubstr("prod"));
  jobs_from_ = std::vector<std::string>{"jobs/finetune-1"};
  const auto used = Delete("models/mae/versions/2");
  EXPECT_EQ(used.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(used.error_message(), HasSubstr("jobs/finetune-1"));
  for (const char* name : {"models/mae", "models/mae@prod", "mae/versions/0"}) {
    EXPECT_THAT(FaultyFields(Delete(name)), ElementsAre("name")) << name;
  }
  v1::Model model;
  ASSERT_TRUE(Get("models/mae", model).ok());
  EXPECT_THAT(model.versions(), SizeIs(2));
}

TEST_F(ModelServiceTest, LoadAndUnloadTellWhatIsInMemory) {
  v1::ModelVersion version;
  ASSERT_TRUE(Load("models/cats", true, version).ok());
  EXPECT_EQ(version.name(), "models/cats/versions/1");
  EXPECT_TRUE(version.loaded());
  EXPECT_TRUE(version.pinned());
  const ModelMetrics metrics(*models_.store);
  const auto family = metrics.Collect().at(0);
  EXPECT_EQ(family.name, "mae_model_loaded");
  ASSERT_THAT(family.metric, SizeIs(1));
  EXPECT_EQ(family.metric[0].label[0].value, "cats");
  EXPECT_EQ(family.metric[0].label[1].value, "1");
  EXPECT_EQ(family.metric[0].gauge.value, 1);
  ASSERT_TRUE(Unload("models/cats", version).ok());
  EXPECT_FALSE(version.loaded());
  EXPECT_FALSE(version.pinned());
  EXPECT_THAT(metrics.Collect().at(0).metric, SizeIs(0));
  EXPECT_EQ(Load("models/dogs", false, version).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Unload("models/dogs", version).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(FaultyFields(Load("a b", false, version)), ElementsAre("name"));
  EXPECT_THAT(FaultyFields(Unload("a b", version)), ElementsAre("name"));
}

TEST_F(ModelServiceTest, LoadLeavesAPinThatItDoesNotSpeakOf) {
  v1::ModelVersion version;
  ASSERT_TRUE(Load("cats", true, version).ok());
  v1::LoadModelRequest request;
  request.set_name("cats");
  ASSERT_TRUE(stub_->LoadModel(Patience().get(), request, &version).ok());
  EXPECT_TRUE(version.pinned());
  ASSERT_TRUE(Load("cats", false, version).ok());
  EXPECT_FALSE(version.pinned());
  ASSERT_TRUE(stub_->LoadModel(Patience().get(), request, &version).ok());
  EXPECT_FALSE(version.pinned());
}

TEST_F(ModelServiceTest, UnloadWaitsForWhatIsInFlightUntilTheCallerHasGone) {
  auto in_flight = models_.store->Acquire("cats");
  ASSERT_THAT(in_flight, IsOk());
  auto context = Patience();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  v1::ModelVersion version;
  EXPECT_EQ(Unload("cats", version, std::move(context)).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  in_flight = absl::CancelledError("it has ended");
  EXPECT_TRUE(Unload("cats", version).ok());
  EXPECT_FALSE(version.loaded());
}

}  // namespace
}  // namespace mae
