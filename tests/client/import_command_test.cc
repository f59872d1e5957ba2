#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void WriteTo(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

/// Notes what an import sends, and publishes it as version 3.
struct NotedImport {
  v1::ImportOptions options;
  std::map<std::string, std::string> files;
  size_t pieces = 0;

  Script AsScript() {
    Script script;
    script.import_model = [this](const grpc::ServerContext&, const auto& read,
                                 v1::ImportModelResponse& response) {
      v1::ImportModelRequest request;
      while (read(request)) {
        if (request.has_options()) options = request.options();
        if (request.has_piece()) files[request.piece().file()] += request.piece().data(), ++pieces;
      }
      response.mutable_version()->set_name("models/toy/versions/3");
      response.add_remarks("Heads were assumed.");
      return grpc::Status::OK;
    };
    return script;
  }
};

TEST(ImportModel, SendsAFolderAndPrintsTheVersion) {
  const TempFolder folder;
  WriteTo(folder / "model.safetensors", std::string(3'000'000, 'w'));
  WriteTo(folder / "pytorch_model.bin", "the same once more");
  WriteTo(folder / "config.json", "{}");
  WriteTo(folder / "README.md", "not sent");
  NotedImport noted;
  FakeServer server(noted.AsScript());
  const auto result = RunClient({"import-model",
                                 folder.path(),
                                 "--model",
                                 "toy",
                                 "--alias",
                                 "prod",
                                 "--heads",
                                 "3",
                                 "--decoder-heads",
                                 "2",
                                 "--image-size",
                                 "28x36",
                                 "--mean",
                                 "0.1,0.2,0.3",
                                 "--std",
                                 "0.5,0.5,0.5",
                                 "--labels",
                                 "cat,dog",
                                 "--norm-pix",
                                 "--license",
                                 "MIT"},
                                {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "models/toy/versions/3\n");
  EXPECT_THAT(result.err, HasSubstr("Heads were assumed."));
  server.Stop();
  EXPECT_EQ(noted.files.size(), 2U);
  EXPECT_EQ(noted.files["model.safetensors"], std::string(3'000'000, 'w'));
  EXPECT_EQ(noted.pieces, 7U) << "half a mebibyte each";
  EXPECT_EQ(noted.options.files(0).bytes(), 3'000'000);
  EXPECT_EQ(noted.options.model(), "toy");
  EXPECT_THAT(noted.options.aliases(), ElementsAre("prod"));
  EXPECT_EQ(noted.options.num_heads(), 3);
  EXPECT_EQ(noted.options.decoder_num_heads(), 2);
  EXPECT_EQ(noted.options.image_height(), 28);
  EXPECT_EQ(noted.options.image_width(), 36);
  EXPECT_THAT(noted.options.mean(), ElementsAre(0.1, 0.2, 0.3));
  EXPECT_THAT(noted.options.labels(), ElementsAre("cat", "dog"));
  EXPECT_TRUE(noted.options.norm_pix_loss());
  EXPECT_FALSE(noted.options.has_mask_ratio());
  EXPECT_EQ(noted.options.license(), "MIT");
}

TEST(ImportModel, SendsTheConfigsBesideAFile) {
  const TempFolder folder;
  WriteTo(folder / "a.pth", "w");
  WriteTo(folder / "b.pth", "not sent");
  WriteTo(folder / "config.json", "{}");
  WriteTo(folder / "preprocessor_config.json", "{ }");
  NotedImport noted;
  FakeServer server(noted.AsScript());
  const auto result = RunClient({"import-model", (folder / "a.pth").string(), "--model", "toy"},
                                {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  server.Stop();
  const std::map<std::string, std::string> expected = {
      {"a.pth", "w"}, {"config.json", "{}"}, {"preprocessor_config.json", "{ }"}};
  EXPECT_EQ(noted.files, expected);
}

TEST(ImportModel, SaysWhatIsWaitedForAndEndsWhenInterrupted) {
  const TempFolder folder;
  WriteTo(folder / "a.pth", "w");
  Script script;
  script.import_model = [](const grpc::ServerContext& context, const auto& read, v1::ImportModelResponse&) {
    v1::ImportModelRequest request;
    while (read(request)) continue;
    while (!context.IsCancelled()) continue;
    return grpc::Status::CANCELLED;
  };
  FakeServer server(std::move(script));
  ClientProcess client({"import-model", (folder / "a.pth").string(), "--model", "toy"},
                       {.server = server.address(), .stderr_is_terminal = true});
  EXPECT_TRUE(client.WaitFor("the server reads the weights"));
  client.Signal(SIGINT);
  const auto result = client.Finish();
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.terminal, HasSubstr("interrupted; get-model toy shows whether it was published"));
}

TEST(ImportModel, ARefusalNamesTheOption) {
  const TempFolder folder;
  WriteTo(folder / "a.pth", std::string(50'000'000, 'w'));
  Script script;
  script.import_model = [](const grpc::ServerContext&, const auto& read, v1::ImportModelResponse&) {
    v1::ImportModelRequest request;
    read(request);
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "options.num_heads: say it");
  };
  FakeServer server(std::move(script));
  const auto result = RunClient({"import-model", (folder / "a.pth").string(), "--model", "toy"},
                                {.server = server.address()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("--heads: say it"));
}

TEST(ImportModel, EveryFieldThatHasAnOptionIsShownAsIt) {
  const TempFolder folder;
  WriteTo(folder / "a.pth", "w");
  for (const auto& [field, option] :
       std::map<std::string, std::string>{{"options.num_heads", "--heads"},
                                          {"options.decoder_num_heads", "--decoder-heads"},
                                          {"options.image_height", "--image-size"},
                                          {"options.image_width", "--image-size"},
                                          {"options.layer_norm_eps", "--layer-norm-eps"},
                                          {"options.mask_ratio", "--mask-ratio"},
                                          {"options.mean", "--mean"},
                                          {"options.std", "--std"},
                                          {"options.labels", "--labels"},
                                          {"options.aliases", "--alias"},
                                          {"options.source", "--source"}}) {
    Script script;
    script.import_model = [&](const grpc::ServerContext&, const auto& read, v1::ImportModelResponse&) {
      v1::ImportModelRequest request;
      read(request);
      return Violations({{field, "is wrong"}}, field + ": is wrong");
    };
    FakeServer server(std::move(script));
    const auto result = RunClient({"import-model", (folder / "a.pth").string(), "--model", "toy"},
                                  {.server = server.address()});
    EXPECT_THAT(result.err, AllOf(HasSubstr(option + ": is wrong"), testing::Not(HasSubstr("options."))));
  }
}

TEST(ImportModel, WhatCantBeSentIsSaidBeforeTheServerIsAsked) {
  const TempFolder folder;
  WriteTo(folder / "a.txt", "x");
  const auto run = [&](const std::string& path, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"import-model", path, "--model", "toy"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunClient(arguments, {.server = "127.0.0.1:1"});
  };
  EXPECT_EQ(run((folder / "none").string()).exit_code, 3);
  EXPECT_THAT(run((folder / "a.txt").string()).err, HasSubstr("neither a folder nor weights"));
  EXPECT_THAT(run(folder.path()).err, HasSubstr("holds 0 files of weights"));
  WriteTo(folder / "a.pth", "x");
  EXPECT_THAT(run((folder / "a.pth").string(), {"--image-size", "big"}).err,
              HasSubstr("--image-size: 'big'"));
  WriteTo(folder / "b.pth", "x");
  EXPECT_THAT(run(folder.path()).err, AllOf(HasSubstr("holds 2 files"), HasSubstr("name the one")));
}

}  // namespace
}  // namespace mae
