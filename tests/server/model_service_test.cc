#include "server/model_service.h"

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

  ServedModels models_;
  ModelTransfers transfers_{*models_.store, models_.data / "transfers", NoCurves};
  ModelService service_{*models_.store, models_.queue, transfers_};
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

}  // namespace
}  // namespace mae
