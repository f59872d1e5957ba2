#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::Model ModelWithVersions(const std::string& name, int count) {
  v1::Model model;
  model.set_name(name);
  (*model.mutable_aliases())["latest"] = count;
  (*model.mutable_aliases())["best"] = count;
  for (int n = count; n > 0; --n) {
    v1::ModelVersion* version = model.add_versions();
    version->set_version(n);
    version->set_name(name + "/versions/" + std::to_string(n));
    version->set_kind("masked_autoencoder");
    version->set_parameters(1234567);
    (*version->mutable_metrics())["validation_loss"] = 0.21;
  }
  return model;
}

TEST(ListModels, ShowsTheNewestVersionOfEach) {
  Script script;
  script.list_models = [](const auto&, const v1::ListModelsRequest& request,
                          v1::ListModelsResponse& response) {
    const bool first = request.page_token().empty();
    *response.add_models() = ModelWithVersions(first ? "models/a" : "models/b", first ? 2 : 1);
    if (first) response.set_next_page_token("b");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"list-models"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("a            2  best, latest  masked_autoencoder"));
  EXPECT_THAT(result.out, HasSubstr("b            1  best, latest"));
  EXPECT_THAT(result.out, HasSubstr("validation_loss 0.21"));
  EXPECT_THAT(result.out, Not(HasSubstr("a            1")));
}

TEST(GetModel, IsATableOfVersionsOrOneInFull) {
  Script script;
  script.get_model = [](const auto&, const v1::GetModelRequest& request, v1::Model& model) {
    model = ModelWithVersions("models/a", request.name() == "models/a" ? 2 : 1);
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const std::string all = RunClient({"get-model", "a"}, {.server = server.address()}).out;
  EXPECT_THAT(all, HasSubstr("VERSION"));
  const std::string one = RunClient({"get-model", "a@latest"}, {.server = server.address()}).out;
  EXPECT_THAT(one, HasSubstr("version        models/a/versions/1\n"));
  EXPECT_THAT(one, HasSubstr("parameters     1,234,567\n"));
}

TEST(ListModels, TellsWhichVersionsAreInMemory) {
  Script script;
  script.list_models = [](const auto&, const auto&, v1::ListModelsResponse& response) {
    auto& model = *response.add_models() = ModelWithVersions("models/a", 3);
    model.mutable_versions(0)->set_loaded(true);
    model.mutable_versions(2)->set_loaded(true);
    model.mutable_versions(2)->set_pinned(true);
    return grpc::Status::OK;
  };
  script.get_model = [](const auto&, const auto&, v1::Model& model) {
    model = ModelWithVersions("models/a", 1);
    model.mutable_versions(0)->set_loaded(true);
    model.mutable_versions(0)->set_pinned(true);
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  EXPECT_THAT(RunClient({"list-models"}, {.server = server.address()}).out, HasSubstr("  3, 1 pinned  "));
  EXPECT_THAT(RunClient({"get-model", "a@latest"}, {.server = server.address()}).out,
              HasSubstr("loaded         pinned\n"));
}

TEST(SetAlias, NamesAVersionOrRemoves) {
  std::vector<std::string> asked;
  Script script;
  script.set_alias = [&asked](const auto&, const v1::SetAliasRequest& request, v1::Model& model) {
    asked.push_back(request.ShortDebugString());
    model.set_name(request.name());
    (*model.mutable_aliases())["prod"] = request.version();
    (*model.mutable_aliases())["latest"] = 4;
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult set = RunClient({"set-alias", "m", "prod", "3"}, {.server = server.address()});
  EXPECT_EQ(set.exit_code, 0) << set.err;
  EXPECT_THAT(set.out, HasSubstr("latest 4, prod 3\n"));
  EXPECT_EQ(RunClient({"set-alias", "models/m", "prod", "--remove"}, {.server = server.address()}).exit_code,
            0);
  const ClientResult neither = RunClient({"set-alias", "m", "prod"}, {.server = server.address()});
  EXPECT_NE(neither.exit_code, 0);
  EXPECT_THAT(neither.err, HasSubstr("--remove"));
  server.Stop();
  EXPECT_THAT(asked, testing::ElementsAre("name: \"models/m\" alias: \"prod\" version: 3",
                                          "name: \"models/m\" alias: \"prod\""));
}

TEST(ModelLife, DeletesLoadsAndUnloadsByName) {
  std::vector<std::string> asked;
  Script script;
  script.delete_model_version = [&asked](const auto&, const v1::DeleteModelVersionRequest& request, auto&) {
    asked.push_back("delete " + request.name());
    return grpc::Status::OK;
  };
  script.load_model = [&asked](const auto&, const v1::LoadModelRequest& request, v1::ModelVersion& version) {
    asked.push_back((!request.has_pin() ? "load " : request.pin() ? "pin " : "unpin ") + request.name());
    version.set_name("models/m/versions/2");
    version.set_pinned(request.pin());
    return grpc::Status::OK;
  };
  script.get_model = [](const auto&, const v1::GetModelRequest& request, v1::Model& model) {
    model.add_versions()->set_pinned(request.name() == "models/m@prod");
    return grpc::Status::OK;
  };
  script.unload_model = [&asked](const auto&, const v1::UnloadModelRequest& request,
                                 v1::ModelVersion& version) {
    asked.push_back("unload " + request.name());
    version.set_name("models/m/versions/2");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const auto said = [&](std::vector<std::string> arguments) {
    const ClientResult result = RunClient(arguments, {.server = server.address()});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.err;
  };
  EXPECT_THAT(said({"delete-model", "m/versions/1"}), HasSubstr("deleted models/m/versions/1"));
  EXPECT_THAT(said({"load-model", "m@prod"}), HasSubstr("models/m/versions/2 is in memory\n"));
  EXPECT_THAT(said({"load-model", "m", "--pin"}), HasSubstr("in memory and pinned"));
  EXPECT_THAT(said({"load-model", "m", "--unpin"}), HasSubstr("models/m/versions/2 is in memory\n"));
  EXPECT_THAT(said({"unload-model", "m"}), HasSubstr("models/m/versions/2 is out of memory\n"));
  EXPECT_THAT(said({"unload-model", "m@prod"}),
              HasSubstr("models/m/versions/2 is out of memory; it was pinned"));
  server.Stop();
  EXPECT_THAT(asked, testing::ElementsAre("delete models/m/versions/1", "load models/m@prod", "pin models/m",
                                          "unpin models/m", "unload models/m", "unload models/m@prod"));
}

TEST(ModelLife, AServerThatDoesNotAnswerIsNotAskedASecondTime) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED}) {
    int asked = 0;
    Script script;
    script.get_model = [code](const auto&, const auto&, auto&) { return grpc::Status(code, "is busy"); };
    script.unload_model = [&asked](const auto&, const auto&, auto&) {
      ++asked;
      return grpc::Status::OK;
    };
    FakeServer server(std::move(script));
    const ClientResult result = RunClient({"unload-model", "m"}, {.server = server.address()});
    server.Stop();
    EXPECT_EQ(result.exit_code, 4);
    EXPECT_THAT(result.err, HasSubstr("is busy"));
    EXPECT_EQ(asked, 0);
  }
}

TEST(ServerInfo, ShowsVersionDevicesAndRecipes) {
  Script script;
  script.info.set_version("0.1.0");
  script.info.add_recipes("tutorial-pretrain");
  auto* device = script.info.add_devices();
  device->set_name("cpu");
  device->set_description("2 cores");
  device->set_memory_bytes(int64_t{16} << 30);
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"server-info"}, {.server = server.address()});
  EXPECT_THAT(result.out, HasSubstr(server.address() + ", version 0.1.0\n"));
  EXPECT_THAT(result.out, HasSubstr("2 cores, 16.0 GiB\n"));
  const std::string json = RunClient({"server-info", "-o", "json"}, {.server = server.address()}).out;
  EXPECT_EQ(nlohmann::json::parse(json)["recipes"][0], "tutorial-pretrain");
}

}  // namespace
}  // namespace mae
