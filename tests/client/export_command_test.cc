#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "base/durable_file.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  return names;
}

v1::ExportModelResponse Announce(const std::vector<std::pair<std::string, int64_t>>& files) {
  v1::ExportModelResponse response;
  response.mutable_header()->set_model_version("models/toy/versions/1");
  for (const auto& [name, bytes] : files) {
    auto* file = response.mutable_header()->add_files();
    file->set_name(name);
    file->set_bytes(bytes);
  }
  return response;
}

v1::ExportModelResponse Piece(const std::string& file, const std::string& data) {
  v1::ExportModelResponse response;
  response.mutable_piece()->set_file(file);
  response.mutable_piece()->set_data(data);
  return response;
}

Script Sending(const std::vector<v1::ExportModelResponse>& messages, grpc::Status end = grpc::Status::OK) {
  Script script;
  script.export_model = [=](const grpc::ServerContext&, const v1::ExportModelRequest&, const auto& send) {
    for (const auto& message : messages) send(message);
    return end;
  };
  return script;
}

ClientResult Export(const FakeServer& server, const std::filesystem::path& out) {
  return RunClient({"export-model", "toy", "--format", "hf", "--out", out}, {.server = server.address()});
}

TEST(ExportModel, WritesTheFilesAndPrintsWhereTheyAre) {
  const TempFolder folder;
  FakeServer server(Sending({Announce({{"config.json", 2}, {"empty", 0}, {"model.safetensors", 6}}),
                             Piece("config.json", "{}"), Piece("model.safetensors", "abc"),
                             Piece("model.safetensors", "def")}));
  const auto result = Export(server, folder / "new" / "out");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr((folder / "new" / "out" / "config.json").string() + "\n"));
  EXPECT_THAT(ReadFile(folder / "new" / "out" / "model.safetensors"), IsOkAndHolds("abcdef"));
  EXPECT_THAT(ReadFile(folder / "new" / "out" / "config.json"), IsOkAndHolds("{}"));
  EXPECT_EQ(NamesIn(folder / "new"), std::vector<std::string>{"out"});
}

TEST(ExportModel, NothingHalfWrittenIsLeft) {
  const TempFolder folder;
  const auto begun = Announce({{"a", 6}});
  for (const auto& script :
       {Sending({begun, Piece("a", "abc")}), Sending({begun, Piece("a", "abcdefg")}),
        Sending({begun, Piece("b", "x")}), Sending({}),
        Sending({begun, Piece("a", "abcdef")}, {grpc::StatusCode::INTERNAL, "lost"}),
        Sending({Announce({{"../a", 1}}), Piece("../a", "x")}), Sending({Announce({{"/tmp/a", 1}})})}) {
    FakeServer server(script);
    EXPECT_NE(Export(server, folder / "out").exit_code, 0);
    EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
  }
}

TEST(ExportModel, AnInterruptedOneLeavesNothing) {
  const TempFolder folder;
  Script script;
  script.export_model = [](const grpc::ServerContext& context, const v1::ExportModelRequest&,
                           const auto& send) {
    send(Announce({{"a", 6}}));
    send(Piece("a", "abc"));
    while (!context.IsCancelled()) continue;
    return grpc::Status::CANCELLED;
  };
  FakeServer server(std::move(script));
  ClientProcess client({"export-model", "toy", "--format", "hf", "--out", folder / "out"},
                       {.server = server.address(), .stderr_is_terminal = true});
  EXPECT_TRUE(client.WaitFor("receiving a"));
  client.Signal(SIGINT);
  const auto result = client.Finish();
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.terminal, HasSubstr("interrupted; nothing was written"));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(ExportModel, AFolderWithSomethingInItIsLeftAlone) {
  const TempFolder folder;
  std::ofstream(folder / "mine") << "x";
  FakeServer server(Sending({Announce({{"a", 0}})}));
  const auto result = Export(server, folder.path());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("is there already"));
  EXPECT_THAT(ReadFile(folder / "mine"), IsOkAndHolds("x"));
}

TEST(ExportModel, FormatsAreChecked) {
  const auto result =
      RunClient({"export-model", "toy", "--format", "onnx", "--out", "x"}, {.server = "127.0.0.1:1"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("official"));
}

}  // namespace
}  // namespace mae
