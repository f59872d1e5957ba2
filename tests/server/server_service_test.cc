#include "server/server_service.h"

#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/server/grpc_host.h"

namespace mae {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::SizeIs;

TEST(ServerService, TellsWhatItWasToldAndWhatItFinds) {
  const TempFolder folder;
  const auto datasets = *DatasetStore::Create({{"mine", folder / "mine"}}, folder / "datasets");
  WorkQueue queue(1, 8);
  v1::ServerInfo facts;
  facts.set_version("1.2.3");
  facts.set_data_dir("/data");
  facts.mutable_limits()->set_max_images_per_request(256);
  ServerService service(facts, *datasets, queue);
  const GrpcHost host({&service});
  const auto stub = v1::ServerService::NewStub(host.channel());
  v1::ServerInfo info;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(stub->GetServerInfo(Patience().get(), {}, &info).ok());
  EXPECT_EQ(info.version(), "1.2.3");
  EXPECT_EQ(info.data_dir(), "/data");
  EXPECT_EQ(info.limits().max_images_per_request(), 256);
  EXPECT_EQ(info.devices(0).name(), "cpu");
  EXPECT_GT(info.devices(0).memory_bytes(), 0);
  EXPECT_THAT(info.datasets(), ElementsAre("datasets/mine"));
  EXPECT_THAT(info.model_presets(), ElementsAre("nano", "tiny", "small", "base", "large", "huge"));
  EXPECT_THAT(info.recipes(), Contains("tutorial-pretrain"));
  EXPECT_THAT(info.libtorch_version(), Not(SizeIs(0)));
}

}  // namespace
}  // namespace mae
