// What users get wrong: each is refused in words that name the field, the value and the limit, and leaves
// nothing behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/e2e/test_server.h"
#include "tests/fakes/dataset_files.h"

namespace mae {
namespace {

using testing::HasSubstr;

class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    WriteShapes(server_);
    server_.Start();
  }

  // start-pretrain with one more --set must be refused in these words, and no job be left.
  void ExpectRefused(const std::string& assignment, const std::vector<std::string>& words) {
    auto arguments = SmallPretrain(1);
    arguments.insert(arguments.end(), {"--set", assignment});
    ExpectFails(arguments, 1, words);
    EXPECT_FALSE(std::filesystem::exists(server_.data() / "jobs") &&
                 !std::filesystem::is_empty(server_.data() / "jobs"))
        << assignment << " left a job folder behind";
  }

  void ExpectFails(const std::vector<std::string>& arguments, int exit_code,
                   const std::vector<std::string>& words) {
    const auto result = server_.Client(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out.find("jobs/"), std::string::npos) << "a refused request names no job on stdout";
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word));
  }

  std::string WriteFile(const std::string& name, const std::string& content) {
    const auto path = server_.root() / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  TestServer server_;
};

TEST_F(BadInput, UnknownNamesAreMetWithTheNearestRightOne) {
  ExpectFails({"start-pretrain", "--recipe", "fashion-mnist-pretrian"}, 3, {"fashion-mnist-pretrain"});
  ExpectRefused("pretrain.model.preset=nanno", {"pretrain.model.preset", "nanno", "nano"});
  ExpectFails({"start-pretrain", "--recipe", "fashion-mnist-pretrain", "--dataset", "shape"}, 3,
              {"shape", "shapes"});
  ExpectFails(
      {"start-finetune", "--recipe", "fashion-mnist-finetune", "--dataset", "shapes", "--from", "nowhere"}, 3,
      {"nowhere"});
  ExpectFails({"get-model", "nowhere@production"}, 3, {"nowhere"});
  ExpectFails({"watch", "jobs/none"}, 3, {"jobs/none"});
}

TEST_F(BadInput, AMistypedRecipeKeyIsRefusedWithTheNearest) {
  const auto path = WriteFile("typo.yaml", "pretrain:\n  mask_rato: 0.5\n");
  ExpectFails({"start-pretrain", "--recipe", path, "--dataset", "shapes"}, 2,
              {"mask_rato", "mask_ratio", "line 2"});
}

TEST_F(BadInput, ShapesThatDoNotFitAreRefused) {
  ExpectRefused("pretrain.model.patch_size=5", {"patch_size", "5", "16"});
  ExpectRefused("pretrain.model.num_heads=3", {"num_heads", "3", "32"});
  ExpectRefused("pretrain.mask_ratio=1", {"mask_ratio", "1"});
  ExpectRefused("pretrain.mask_ratio=0", {"mask_ratio", "0"});
  ExpectRefused("pretrain.mask_ratio=0.99", {"mask_ratio", "0.99"});
  ExpectRefused("data.batch_size=0", {"data.batch_size", "0"});
  ExpectRefused("optimizer.learning_rate=-1", {"optimizer.learning_rate", "-1"});
}

TEST_F(BadInput, AHeadWithFewerOutputsThanClassesIsRefused) {
  ExpectFails({"start-finetune", "--recipe", "fashion-mnist-finetune", "--dataset", "shapes", "--set",
               "finetune.num_classes=3"},
              1, {"num_classes", "3", "4"});
}

TEST_F(BadInput, DamagedDatasetFilesAreNamed) {
  WriteIdxDataset(server_.data() / "datasets" / "torn", 32, 16, 16, 16, 4);
  const auto torn = server_.data() / "datasets" / "torn" / "train-images-idx3-ubyte";
  std::filesystem::resize_file(torn, std::filesystem::file_size(torn) - 7);
  ExpectFails({"start-pretrain", "--recipe", "fashion-mnist-pretrain", "--dataset", "torn"}, 1,
              {"train-images-idx3-ubyte"});
  WriteIdxDataset(server_.data() / "datasets" / "magic", 32, 16, 16, 16, 4);
  std::fstream(server_.data() / "datasets" / "magic" / "train-images-idx3-ubyte",
               std::ios::in | std::ios::out | std::ios::binary)
      << "JUNK";
  ExpectFails({"start-pretrain", "--recipe", "fashion-mnist-pretrain", "--dataset", "magic"}, 1, {"magic"});
}

TEST_F(BadInput, PicturesThatAreNoneAreRefusedByName) {
  auto pretrain = SmallPretrain(1);
  pretrain.insert(pretrain.end(), {"--model", "m", "--watch"});
  ASSERT_EQ(server_.Client(pretrain).exit_code, 0);
  const auto corrupt = WriteFile("corrupt.png", "\x89PNG\r\n\x1a\nnot a picture");
  const auto empty = WriteFile("empty.png", "");
  ExpectFails({"reconstruct", "--model", "m", "--out", (server_.root() / "p").string(), corrupt}, 1,
              {"corrupt.png"});
  ExpectFails({"reconstruct", "--model", "m", "--out", (server_.root() / "p").string(), empty}, 1,
              {"empty.png"});
  ExpectFails({"classify", "--model", "m", corrupt}, 1, {});
}

TEST_F(BadInput, AStreamWhoseClientIsKilledEndsAndTheServerGoesOn) {
  auto pretrain = SmallPretrain(1);
  pretrain.insert(pretrain.end(), {"--model", "m", "--watch"});
  ASSERT_EQ(server_.Client(pretrain).exit_code, 0);
  const auto images = (server_.root() / "images").string(), stubs = (server_.root() / "stubs").string();
  ASSERT_EQ(server_.Client({"get-dataset", "shapes", "--images", "1", "--out", images}).exit_code, 0);
  const auto image = std::filesystem::directory_iterator(images)->path().string();
  const std::filesystem::path source = std::getenv("MAE_SOURCE_DIR");
  const auto output = server_.root() / "output";
  ASSERT_EQ(RunProgram({(source / "examples/python/make-stubs").string(), stubs}, {}, output).exit_code, 0);

  ChildProcess client({"/usr/bin/python3", (source / "tests/e2e/vanishing_client.py").string(),
                       server_.address(), "m", image},
                      {{"PYTHONPATH", stubs}}, output);
  ASSERT_TRUE(Eventually([&] { return client.Out() == "streaming\n" || !client.Running(); }));
  ASSERT_TRUE(client.Running()) << client.Err();
  const auto ended = [&](const std::string& method) {
    return server_.Metrics().find("grpc_method=\"" + method + "\"") != std::string::npos;
  };
  EXPECT_FALSE(ended("StreamEmbed") || ended("ModelStreamInfer")) << "both are under way";
  client.Signal(SIGKILL);
  client.Wait();
  EXPECT_TRUE(Eventually([&] { return ended("StreamEmbed") && ended("ModelStreamInfer"); }));
  EXPECT_EQ(server_.Client({"embed", "--model", "m", image}).exit_code, 0);
  EXPECT_EQ(server_.Stop(), 0);
}

// Of the server; each is another thread's child.
std::vector<pid_t> DecodersOf(pid_t server) {
  std::vector<pid_t> decoders;
  for (const auto& task : std::filesystem::directory_iterator(absl::StrCat("/proc/", server, "/task"))) {
    std::ifstream children(task.path() / "children");
    for (pid_t pid = 0; children >> pid;) {
      std::string name;
      std::getline(std::ifstream(absl::StrCat("/proc/", pid, "/comm")), name);
      if (name == "mae_image_decod") decoders.push_back(pid);
    }
  }
  return decoders;
}

TEST_F(BadInput, WhatReadsPicturesMayDieAndTheServerGoesOn) {
  auto pretrain = SmallPretrain(1);
  pretrain.insert(pretrain.end(), {"--model", "m", "--watch"});
  ASSERT_EQ(server_.Client(pretrain).exit_code, 0);
  const auto images = (server_.root() / "images").string();
  ASSERT_EQ(server_.Client({"get-dataset", "shapes", "--images", "1", "--out", images}).exit_code, 0);
  const std::vector<std::string> ask = {"embed", "--model", "m",
                                        std::filesystem::directory_iterator(images)->path().string()};
  EXPECT_THAT(DecodersOf(server_.pid()), testing::IsEmpty()) << "before there is a picture to read";
  ASSERT_EQ(server_.Client(ask).exit_code, 0);
  const auto before = DecodersOf(server_.pid());
  ASSERT_THAT(before, testing::SizeIs(1));
  ASSERT_EQ(kill(before.front(), SIGKILL), 0);
  EXPECT_EQ(server_.Client(ask).exit_code, 0);
  const auto after = DecodersOf(server_.pid());
  ASSERT_THAT(after, testing::AllOf(testing::SizeIs(1), testing::Not(before)));
  EXPECT_EQ(server_.Stop(), 0);
  EXPECT_EQ(kill(after.front(), 0), -1) << "it ends with its server";
}

TEST_F(BadInput, AnEndedJobCannotBeStoppedNorARunningOneResumed) {
  const auto ended = server_.StartJob(SmallPretrain(1));
  server_.AwaitState(ended, v1::Job::SUCCEEDED);
  ExpectFails({"stop-job", ended}, 1, {ended, "SUCCEEDED"});
  const auto running = server_.StartJob(SmallPretrain(400));
  server_.AwaitState(running, v1::Job::RUNNING);
  ExpectFails({"resume-job", running}, 1, {running, "RUNNING"});
  ExpectFails({"delete-job", running}, 1, {running, "RUNNING"});
  EXPECT_EQ(server_.Client({"stop-job", "--now", running}).exit_code, 0);
  server_.AwaitState(running, v1::Job::STOPPED);
}

TEST_F(BadInput, FineTuningFromAModelOfAnotherShapeIsRefused) {
  auto pretrain = SmallPretrain(1);
  pretrain.insert(pretrain.end(), {"--model", "grey", "--watch"});
  ASSERT_EQ(server_.Client(pretrain).exit_code, 0);
  WriteCifar10Dataset(server_.data() / "datasets" / "colour", 4);
  ExpectFails(
      {"start-finetune", "--recipe", "fashion-mnist-finetune", "--dataset", "colour", "--from", "grey"}, 1,
      {"grey"});
}

TEST_F(BadInput, AnotherServerOnTheDataFolderOrThePortIsRefused) {
  const auto folder = RunProgram({BinaryPath("mae_server"), "--listen", "127.0.0.1:0", "--metrics-listen",
                                  "127.0.0.1:0", "--data-dir", server_.data().string()},
                                 {}, server_.root() / "output");
  EXPECT_EQ(folder.exit_code, 1);
  EXPECT_THAT(folder.err, HasSubstr(server_.data().string()));
  const auto port = RunProgram({BinaryPath("mae_server"), "--listen", server_.address(), "--metrics-listen",
                                "127.0.0.1:0", "--data-dir", (server_.root() / "other").string()},
                               {}, server_.root() / "output");
  EXPECT_EQ(port.exit_code, 1);
  EXPECT_THAT(port.err, HasSubstr(server_.address()));
}

TEST_F(BadInput, WithoutAServerTheClientSaysWhichAddressAndEndsWithFour) {
  const auto address = server_.address();
  ASSERT_EQ(server_.Stop(), 0);
  ExpectFails({"list-jobs"}, 4, {address});
}

}  // namespace
}  // namespace mae
