// The main job: pretrain, fine-tune from it, publish, and serve both models, on small data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/e2e/test_server.h"
#include "tests/fakes/dataset_files.h"

namespace mae {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string FirstBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(8, '\0');
  file.read(bytes.data(), 8);
  return bytes;
}

void ExpectPng(const std::filesystem::path& path) {
  EXPECT_EQ(FirstBytes(path), "\x89PNG\r\n\x1a\n") << path;
}

TEST(MainJob, PretrainedAndFineTunedModelsAreServed) {
  TestServer server;
  WriteShapes(server);
  server.Start();
  auto pretrain = server.Client(With(SmallPretrain(6), {"--model", "shapes-mae", "--watch"}));
  ASSERT_EQ(pretrain.exit_code, 0) << pretrain.err;
  EXPECT_THAT(pretrain.out, testing::StartsWith("jobs/pretrain-"));
  EXPECT_THAT(pretrain.err, HasSubstr("loss"));

  auto finetune = server.Client({"start-finetune",
                                 "--recipe",
                                 "fashion-mnist-finetune",
                                 "--dataset",
                                 "shapes",
                                 "--from",
                                 "shapes-mae",
                                 "--model",
                                 "shapes-classifier",
                                 "--set",
                                 "data.batch_size=32",
                                 "--set",
                                 "schedule.epochs=20",
                                 "--set",
                                 "finetune.model.embed_dim=32",
                                 "--set",
                                 "finetune.model.depth=2",
                                 "--set",
                                 "logging.every_steps=4",
                                 "--watch"});
  ASSERT_EQ(finetune.exit_code, 0) << finetune.err;
  EXPECT_THAT(finetune.err, HasSubstr("accuracy"));

  const auto models = server.Client({"list-models"});
  EXPECT_THAT(models.out, HasSubstr("shapes-mae"));
  EXPECT_THAT(models.out, HasSubstr("shapes-classifier"));

  const auto images = server.root() / "images", pictures = server.root() / "pictures";
  const auto fetched = server.Client({"get-dataset", "shapes", "--images", "8", "--out", images.string()});
  ASSERT_EQ(fetched.exit_code, 0) << fetched.err;

  const auto rebuilt = server.Client({"reconstruct", "--model", "shapes-mae@latest", "--mask-ratio", "0.75",
                                      "--seed", "3", "--out", pictures.string(), images.string()});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
  ExpectPng(pictures / "panel.png");

  // Eight images of four classes in turn: a classifier that has learnt anything names most of them.
  const auto classes =
      server.Client({"classify", "--model", "shapes-classifier", "-o", "json", images.string()});
  EXPECT_EQ(classes.exit_code, 0) << classes.err;
  EXPECT_THAT(classes.out, HasSubstr("probability"));
  EXPECT_EQ(server.Stop(), 0);
}

TEST(MainJob, FineTuningLearnsTheClasses) {
  TestServer server;
  WriteShapes(server);
  server.Start();
  const auto job = server.StartJob({"start-finetune", "--recipe", "fashion-mnist-finetune", "--dataset",
                                    "shapes", "--set", "data.batch_size=32", "--set", "schedule.epochs=12"});
  const auto done = server.AwaitState(job, v1::Job::SUCCEEDED);
  EXPECT_GT(done.progress().metrics().at("accuracy"), 0.6) << "chance is 0.25";
}

// The tutorial's models are large: ten steps of a small batch show that its recipe runs, with its own shapes.
TEST(MainJob, TheTutorialsPretrainingTakesTenStepsOnCifar10Files) {
  TestServer server;
  WriteCifar10Dataset(server.data() / "datasets" / "cifar10", 16);
  server.Start();
  const auto job = server.StartJob({"start-pretrain", "--recipe", "tutorial-pretrain", "--model", "tutorial",
                                    "--set", "data.batch_size=8", "--set", "schedule.epochs=1", "--set",
                                    "schedule.warmup_epochs=0", "--set", "data.validation_images=8"});
  const auto done = server.AwaitState(job, v1::Job::SUCCEEDED);
  EXPECT_EQ(done.progress().step(), 10);
  EXPECT_EQ(done.progress().total_steps(), 10);
  const auto& model = done.spec().pretrain().model();
  EXPECT_EQ(model.embed_dim(), 768);
  EXPECT_EQ(model.depth(), 12);
  EXPECT_EQ(model.patch_size(), 4);
  EXPECT_EQ(model.image_height(), 32);
  EXPECT_EQ(model.decoder().embed_dim(), 512);

  // One 3 x 32 x 32 image: 64 patches of 48 values, 48 of them hidden.
  const auto images = server.root() / "images";
  ASSERT_EQ(server.Client({"get-dataset", "cifar10", "--images", "1", "--out", images.string()}).exit_code,
            0);
  const auto rebuilt = server.Client({"reconstruct", "--model", "tutorial", "-o", "json", "--out",
                                      (server.root() / "pictures").string(), images.string()});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
}

TEST(MainJob, LossIsLoggedEveryTwentyFiveBatches) {
  TestServer server;
  WriteCifar10Dataset(server.data() / "datasets" / "cifar10", 16);
  server.Start();
  const auto job = server.StartJob({"start-pretrain",
                                    "--recipe",
                                    "tutorial-pretrain",
                                    "--set",
                                    "data.batch_size=1",
                                    "--set",
                                    "pretrain.model.embed_dim=16",
                                    "--set",
                                    "pretrain.model.depth=1",
                                    "--set",
                                    "pretrain.model.num_heads=2",
                                    "--set",
                                    "pretrain.model.decoder.embed_dim=16",
                                    "--set",
                                    "pretrain.model.decoder.depth=1",
                                    "--set",
                                    "pretrain.model.decoder.num_heads=2",
                                    "--set",
                                    "schedule.epochs=1",
                                    "--set",
                                    "schedule.warmup_epochs=0"});
  server.AwaitState(job, v1::Job::SUCCEEDED);
  std::vector<int64_t> steps;
  for (const auto& event : server.Events(job, 0, [](const v1::JobEvent&) { return false; })) {
    if (event.has_metrics() && event.metrics().values().count("loss") == 1)
      steps.push_back(event.metrics().step());
  }
  for (const int64_t step : {25, 50, 75}) EXPECT_THAT(steps, Contains(step));
}

}  // namespace
}  // namespace mae
