// The callers in examples/, run as their README says, against a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/e2e/test_server.h"

namespace mae {
namespace {

using testing::HasSubstr;

using Words = std::vector<std::string>;

Words With(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Words WordsOf(const std::string& text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

std::string FileBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A server with an autoencoder "shapes-mae", and pictures to ask about.
class Examples : public testing::Test {
 protected:
  void SetUp() override {
    WriteShapes(server_);
    server_.Start();
    job_ = server_.StartJob(With(SmallPretrain(1), {"--model", "shapes-mae"}));
    const auto made = RunProgram({(examples_ / "python" / "make-stubs").string(), stubs().string()}, {},
                                 server_.root() / "output");
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  // A classifier "shapes-classifier", from the autoencoder.
  void Finetune() {
    server_.AwaitState(job_, v1::Job::SUCCEEDED);
    const auto finetuned =
        server_.Client({"start-finetune", "--recipe", "fashion-mnist-finetune", "--dataset", "shapes",
                        "--from", "shapes-mae", "--model", "shapes-classifier", "--set", "data.batch_size=32",
                        "--set", "schedule.epochs=1", "--set", "finetune.model.embed_dim=32", "--set",
                        "finetune.model.depth=2", "--watch"});
    ASSERT_EQ(finetuned.exit_code, 0) << finetuned.err;
  }

  Words Pictures(int count) {
    const auto folder = server_.root() / "images";
    const auto fetched = server_.Client(
        {"get-dataset", "shapes", "--images", std::to_string(count), "--out", folder.string()});
    EXPECT_EQ(fetched.exit_code, 0) << fetched.err;
    Words files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  ProgramResult Python(const std::string& name, const Words& arguments) {
    const Words command = {"/usr/bin/python3", (examples_ / "python" / name).string(), server_.address()};
    return RunProgram(With(command, arguments), {{"PYTHONPATH", stubs().string()}},
                      server_.root() / "output");
  }
  ProgramResult Cpp(const Words& arguments) {
    return RunProgram(With({MAE_CPP_EXAMPLE, server_.address()}, arguments), {}, server_.root() / "output");
  }
  std::filesystem::path stubs() const { return server_.root() / "stubs"; }

  const std::filesystem::path examples_ = std::filesystem::path(std::getenv("MAE_SOURCE_DIR")) / "examples";
  TestServer server_;
  std::string job_;
};

TEST_F(Examples, AJobIsWatchedAndItsModelReconstructsAndEmbeds) {
  const auto watched = Python("watch_job.py", {job_});
  ASSERT_EQ(watched.exit_code, 0) << watched.err;
  EXPECT_THAT(watched.out, HasSubstr("step 8/8  "));
  EXPECT_THAT(watched.out, HasSubstr("loss "));
  EXPECT_THAT(watched.out, HasSubstr("SUCCEEDED models/shapes-mae/versions/1"));

  const auto files = Pictures(2);
  const auto panel = server_.root() / "panel.png";
  const auto rebuilt = Python("reconstruct.py", {"shapes-mae", files[0], panel.string()});
  ASSERT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
  EXPECT_THAT(rebuilt.out, HasSubstr("models/shapes-mae/versions/1: 12 of 16 patches hidden"));
  EXPECT_THAT(FileBytes(panel), testing::StartsWith("\x89PNG\r\n\x1a\n"));

  const auto embedded = Python("embed.py", With({"shapes-mae"}, files));
  ASSERT_EQ(embedded.exit_code, 0) << embedded.err;
  const auto words = WordsOf(embedded.out);  // …: 2 embeddings of 32 values, then a row a file
  ASSERT_EQ(words.size(), 12u) << embedded.out;
  EXPECT_EQ(words[4], "32");
  EXPECT_EQ(words[7], "1.0000") << "a picture is like itself";
  EXPECT_EQ(words[8], words[10]) << "as like one way as the other";

  const auto unknown = Python("reconstruct.py", {"nowhere", files[0], panel.string()});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("NOT_FOUND: "));
  EXPECT_THAT(Python("watch_job.py", {"jobs/none"}).err, HasSubstr("NOT_FOUND: "));
}

TEST_F(Examples, ClassesAreTheSameInEachLanguage) {
  Finetune();
  const auto files = Pictures(2);
  const auto python = Python("classify.py", With({"shapes-classifier"}, files));
  ASSERT_EQ(python.exit_code, 0) << python.err;
  const auto cpp = Cpp(With({"shapes-classifier"}, files));
  ASSERT_EQ(cpp.exit_code, 0) << cpp.err;
  const auto words = WordsOf(python.out), same = WordsOf(cpp.out);
  ASSERT_EQ(words.size(), 1 + 2 * 7u) << python.out;  // the version; of each file its name and three classes
  ASSERT_EQ(same.size(), words.size()) << cpp.out;
  EXPECT_EQ(words[0], "models/shapes-classifier/versions/1");
  for (size_t i = 0; i < words.size(); ++i) {
    const bool probability = i > 0 && (i - 1) % 7 != 0 && (i - 1) % 7 % 2 == 0;
    if (probability) {
      EXPECT_NEAR(std::stod(same[i]), std::stod(words[i]), 1e-4);
    } else {
      EXPECT_EQ(same[i], words[i]);
    }
  }

  const auto client = server_.Client({"classify", "--model", "shapes-classifier", files[0]});
  EXPECT_EQ(WordsOf(client.out)[4], words[2]) << client.out;

  const auto unknown = Cpp({"nowhere", files[0]});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("nowhere"));
  EXPECT_EQ(Python("classify.py", {"shapes-mae", files[0]}).exit_code, 1);
}

}  // namespace
}  // namespace mae
