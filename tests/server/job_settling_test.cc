// What goes on while the end of a job takes its time.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "options/model_json.h"
#include "tests/server/server_fixture.h"

namespace mae {
namespace {

using v1::Job;

ModelConfig SomeConfig() {
  ModelConfig config;
  config.mean = {0.5};
  config.std_dev = {0.5};
  return config;
}

using JobSettlingTest = ServerTest;

TEST_F(JobSettlingTest, OtherJobsStartRunAndEndWhileOneIsPublished) {
  StartServer({"jobs.slots=1"});
  const Job slow = MustCreate("clothes"), next = MustCreate(), last = MustCreate();
  WaitUntilRunning(slow.name());
  // An export whose config.json the server reads for as long as nobody has written it.
  const auto exported = Folder(slow.name()).exported();
  std::filesystem::create_directories(exported);
  std::ofstream(exported / "model.safetensors") << "weights";
  ModelCard card;
  card.job = slow.name();
  std::ofstream(exported / "card.json") << ModelCardToJson(card);
  const auto pipe = exported / "config.json";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  Tell(slow.name(), "succeed bare");
  WaitUntilRunning(next.name());
  Tell(next.name(), "succeed bare");
  EXPECT_EQ(WaitForEnd(next.name()).state(), Job::SUCCEEDED);
  WaitUntilRunning(last.name());
  EXPECT_TRUE(Stop(last.name()).ok());
  EXPECT_EQ(WaitForEnd(last.name()).state(), Job::STOPPED);
  EXPECT_EQ(Get(slow.name()).state(), Job::RUNNING) << "its model is not published yet";
  std::ofstream(pipe) << ModelConfigToJson(SomeConfig());
  const Job ended = WaitForEnd(slow.name());
  EXPECT_EQ(ended.state(), Job::SUCCEEDED) << ended.DebugString();
  EXPECT_EQ(ended.published_version(), "models/clothes/versions/1");
}

}  // namespace
}  // namespace mae
