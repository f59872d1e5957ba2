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
