#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "base/durable_file.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/data/file_bytes.h"
#include "tests/data/tar_writer.h"
#include "tests/fakes/dataset_files.h"

namespace mae {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string Varied(size_t bytes) {
  std::string text(bytes, ' ');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>((i * i) >> 7);
  return text;
}

/// What the server has at first, and what an upload sends.
struct NotedUpload {
  v1::DatasetUpload there;
  v1::DatasetUploadOptions options;
  std::vector<std::string> paths;            ///< of whole files, in their order
  std::map<std::string, std::string> files;  ///< what was sent of each
  v1::DatasetUploadEnd end;
  std::map<std::string, std::string> digests;

  void Note(const v1::DatasetFilePart& part) {
    std::string& content = files[part.path()];
    content += part.data();
    if (part.sha256().empty()) return;
    paths.push_back(part.path());
    digests[part.path()] = part.sha256();
  }

  Script AsScript() {
    Script script;
    script.get_dataset_upload = [this](const auto&, const auto&, v1::DatasetUpload& answer) {
      answer = there;
      return there.source().empty() ? grpc::Status(grpc::StatusCode::NOT_FOUND, "nothing") : grpc::Status::OK;
    };
    script.upload_dataset = [this](const grpc::ServerContext&, const auto& read, v1::Dataset& answer) {
      v1::UploadDatasetRequest request;
      while (read(request)) {
        if (request.has_options()) options = request.options();
        if (request.has_file()) Note(request.file());
        if (request.has_end()) end = request.end();
      }
      answer.set_name("datasets/" + options.dataset());
      answer.set_train_images(20);
      return grpc::Status::OK;
    };
    return script;
  }
};

class UploadDatasetTest : public testing::Test {
 protected:
  UploadDatasetTest() {
    WriteIdxDataset(folder_ / "Shapes", 20, 10);
    SetFileBytes(folder_ / "Shapes/.hidden", "x");
    SetFileBytes(folder_ / "Shapes/zz-large", Varied(1'200'000));
  }

  ClientResult Run(FakeServer& server, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"upload-dataset", (folder_ / "Shapes").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunClient(arguments, {.server = server.address()});
  }

  const TempFolder folder_;
};

TEST_F(UploadDatasetTest, SendsAFolderUnderItsNameAndPrintsTheDataset) {
  NotedUpload noted;
  FakeServer server(noted.AsScript());
  const auto result = Run(server);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "datasets/shapes\n");
  EXPECT_THAT(result.err, HasSubstr("20 training"));
  server.Stop();
  EXPECT_THAT(noted.paths, ElementsAre("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
                                       "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "zz-large"));
  int64_t bytes = 0;
  for (const auto& [path, content] : noted.files) {
    EXPECT_EQ(content, *ReadFile(folder_ / "Shapes" / path)) << path;
    EXPECT_EQ(noted.digests[path], Sha256Hex(content)) << path;
    bytes += static_cast<int64_t>(content.size());
  }
  EXPECT_EQ(noted.options.bytes(), bytes);
  EXPECT_EQ(noted.end.files(), 5);
  EXPECT_EQ(noted.end.bytes(), bytes);
  EXPECT_FALSE(noted.options.has_resume());
}

TEST_F(UploadDatasetTest, SendsWhatIsInATar) {
  SetGzBytes(folder_ / "some.tar.gz", TarBytes({{"./b/two", "2", ""}, {"one", "1", ""}, {"._one", "x", ""}}));
  NotedUpload noted;
  FakeServer server(noted.AsScript());
  const auto result =
      RunClient({"upload-dataset", (folder_ / "some.tar.gz").string()}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "datasets/some\n");
  server.Stop();
  const std::map<std::string, std::string> expected = {{"b/two", "2"}, {"one", "1"}};
  EXPECT_EQ(noted.files, expected);
  EXPECT_THAT(noted.paths, ElementsAre("b/two", "one")) << "in the order of the archive";
}

TEST_F(UploadDatasetTest, GoesOnWithinAFile) {
  std::string source;
  {
    NotedUpload noted;
    FakeServer server(noted.AsScript());
    ASSERT_EQ(Run(server).exit_code, 0);
    server.Stop();
    source = noted.options.source();
  }
  NotedUpload noted;
  noted.there.set_name("datasets/shapes");
  noted.there.set_source(source);
  noted.there.set_files(4);
  noted.there.set_bytes(123);
  noted.there.set_path("zz-large");
  noted.there.set_offset(700'000);
  FakeServer server(noted.AsScript());
  const auto result = Run(server);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("goes on: the server has 4 of 5 files"));
  server.Stop();
  EXPECT_EQ(noted.options.resume().offset(), 700'000);
  const std::map<std::string, std::string> rest = {{"zz-large", Varied(1'200'000).substr(700'000)}};
  EXPECT_EQ(noted.files, rest);
  EXPECT_EQ(noted.digests["zz-large"], Sha256Hex(Varied(1'200'000))) << "of the file whole";
}

TEST_F(UploadDatasetTest, GoesOnWithinATar) {
  SetGzBytes(folder_ / "some.tar.gz", TarBytes({{"a", "123", ""}, {"b", "4567", ""}, {"c", "8", ""}}));
  const auto upload = [this](NotedUpload& noted) {
    FakeServer server(noted.AsScript());
    const auto result =
        RunClient({"upload-dataset", (folder_ / "some.tar.gz").string()}, {.server = server.address()});
    EXPECT_EQ(result.exit_code, 0) << result.err;
  };
  NotedUpload whole, rest;
  upload(whole);
  rest.there.set_source(whole.options.source());
  rest.there.set_files(1);
  rest.there.set_bytes(3);
  rest.there.set_path("b");
  rest.there.set_offset(2);
  upload(rest);
  const std::map<std::string, std::string> sent = {{"b", "67"}, {"c", "8"}};
  EXPECT_EQ(rest.files, sent);
  EXPECT_EQ(rest.digests["b"], Sha256Hex("4567"));
  EXPECT_EQ(rest.end.files(), 3);
}

TEST_F(UploadDatasetTest, WhatTheServerGivesUpIsSaidInItsWords) {
  Script script;
  script.get_dataset_upload = [](const auto&, const auto&, v1::DatasetUpload&) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "nothing");
  };
  script.upload_dataset = [](const grpc::ServerContext&, const auto& read, v1::Dataset&) {
    v1::UploadDatasetRequest request;
    read(request);
    return grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "no message came for 1m");
  };
  FakeServer server(std::move(script));
  const auto result = Run(server);
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("no message came for 1m"));
  EXPECT_THAT(result.err, HasSubstr("the same command goes on from there"));
  EXPECT_THAT(result.err, Not(HasSubstr("--timeout")));
}

TEST_F(UploadDatasetTest, OtherFilesThanBeforeAreNotMixedUnlessToldTo) {
  NotedUpload noted;
  noted.there.set_name("datasets/shapes");
  noted.there.set_source("others");
  noted.there.set_files(4);
  FakeServer server(noted.AsScript());
  const auto refused = Run(server);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--restart"));
  EXPECT_EQ(Run(server, {"--restart"}).exit_code, 0);
  server.Stop();
  EXPECT_TRUE(noted.options.restart());
  EXPECT_EQ(noted.paths.size(), 5U);
}

TEST_F(UploadDatasetTest, WhatIsNoDatasetIsNotSent) {
  fs::create_directories(folder_ / "notes");
  SetFileBytes(folder_ / "notes/a.txt", "x");
  SetGzBytes(folder_ / "links.tar.gz", TarBytes({{"link", "", "/etc/passwd"}}));
  SetGzBytes(folder_ / "up.tar.gz", TarBytes({{"../up", "x", ""}}));
  const auto run = [&](const std::string& name) {
    return RunClient({"upload-dataset", (folder_ / name).string()}, {.server = "127.0.0.1:1"});
  };
  EXPECT_EQ(run("nowhere").exit_code, 3);
  EXPECT_THAT(run("notes").err, HasSubstr("holds none of the formats"));
  EXPECT_THAT(run("notes/a.txt").err, HasSubstr("not a whole tar archive"));
  EXPECT_THAT(run("links.tar.gz").err, HasSubstr("link is a link"));
  EXPECT_THAT(run("up.tar.gz").err, HasSubstr("leads out of the archive"));
  SetGzBytes(folder_ / "shard.tar.gz", TarBytes({{"0001.jpg", "x", ""}, {"0001.cls", "1", ""}}));
  EXPECT_THAT(run("shard.tar.gz").err, HasSubstr("send the folder that the shards are in"));
  SetGzBytes(folder_ / "odd.tar.gz", TarBytes({{"a\x01", "x", ""}}));
  EXPECT_THAT(run("odd.tar.gz").err, HasSubstr("'a\\x01' is not a path"));
  fs::create_symlink("nowhere", folder_ / "notes/link");
  EXPECT_THAT(run("notes").err, HasSubstr("a broken link"));
  EXPECT_THAT(RunClient({"upload-dataset", (folder_ / "Shapes").string(), "--dataset", "a b"},
                        {.server = "127.0.0.1:1"})
                  .err,
              HasSubstr("--dataset: the name"));
}

TEST_F(UploadDatasetTest, AnInterruptedOneSaysThatItGoesOn) {
  Script script;
  script.get_dataset_upload = [](const auto&, const auto&, v1::DatasetUpload&) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "nothing");
  };
  script.upload_dataset = [](const grpc::ServerContext& context, const auto& read, v1::Dataset&) {
    v1::UploadDatasetRequest request;
    while (read(request)) continue;
    while (!context.IsCancelled()) continue;
    return grpc::Status::CANCELLED;
  };
  FakeServer server(std::move(script));
  ClientProcess client({"upload-dataset", (folder_ / "Shapes").string()},
                       {.server = server.address(), .stderr_is_terminal = true});
  EXPECT_TRUE(client.WaitFor("the server looks through the images"));
  client.Signal(SIGINT);
  const auto result = client.Finish();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.terminal, HasSubstr("the same command goes on from there"));
}

TEST_F(UploadDatasetTest, ARefusalNamesTheOption) {
  Script script;
  script.upload_dataset = [](const grpc::ServerContext&, const auto& read, v1::Dataset&) {
    v1::UploadDatasetRequest request;
    read(request);
    return Violations({{"options.dataset", "is no name"}});
  };
  script.get_dataset_upload = [](const auto&, const auto&, v1::DatasetUpload&) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "nothing");
  };
  FakeServer server(std::move(script));
  const auto result = Run(server);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("--dataset: is no name"));
  EXPECT_THAT(result.out, Not(HasSubstr("datasets/")));
}

TEST_F(UploadDatasetTest, DeletesByName) {
  std::string deleted;
  Script script;
  script.delete_dataset = [&](const auto&, const v1::DeleteDatasetRequest& request,
                              google::protobuf::Empty&) {
    deleted = request.name();
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const auto result = RunClient({"delete-dataset", "shapes"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  server.Stop();
  EXPECT_EQ(deleted, "datasets/shapes");
}

}  // namespace
}  // namespace mae
