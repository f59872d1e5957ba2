#include "client/contexts.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

class ContextsTest : public testing::Test {
 protected:
  absl::StatusOr<Contexts> Load(const std::string& yaml) {
    std::ofstream(path_) << yaml;
    return LoadContexts(path_);
  }

  const TempFolder temp_;
  const std::filesystem::path path_ = temp_ / "config.yaml";
};

TEST_F(ContextsTest, WhatIsSavedIsLoadedAgain) {
  Contexts contexts;
  contexts.current = "lab";
  contexts.by_name["lab"] = {"gpu1:8500", "/home/me/lab token", "/home/me/lab.pem", "/home/me/me.pem",
                             "/home/me/me.key"};
  contexts.by_name["a: b #c"] = {"[::1]:1", "", ""};
  const auto path = temp_ / "made/on/the/way/config.yaml";
  ASSERT_THAT(SaveContexts(contexts, path), IsOk());
  const auto loaded = LoadContexts(path);
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->current, "lab");
  ASSERT_EQ(loaded->by_name.size(), 2u);
  EXPECT_EQ(loaded->by_name.at("lab").server, "gpu1:8500");
  EXPECT_EQ(loaded->by_name.at("lab").token_file, "/home/me/lab token");
  EXPECT_EQ(loaded->by_name.at("lab").ca_file, "/home/me/lab.pem");
  EXPECT_EQ(loaded->by_name.at("lab").cert_file, "/home/me/me.pem");
  EXPECT_EQ(loaded->by_name.at("lab").key_file, "/home/me/me.key");
  EXPECT_EQ(loaded->by_name.at("a: b #c").server, "[::1]:1");
}

TEST_F(ContextsTest, WithoutAFileThereAreNone) {
  const auto none = LoadContexts(temp_ / "nowhere/config.yaml");
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(none->current, "");
  EXPECT_TRUE(none->by_name.empty());
  EXPECT_THAT(Load(""), IsOk()) << "an empty file has none as well";
}

TEST_F(ContextsTest, WhatIsWrongIsNamedWithTheFile) {
  const auto wrong = [&](const std::string& words) {
    return StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr(path_.string()), HasSubstr(words)));
  };
  EXPECT_THAT(Load("curent: lab\n"), wrong("curent"));
  EXPECT_THAT(Load("contexts: {lab: {server: [a, b]}}\n"), wrong("contexts.lab.server"));
  EXPECT_THAT(Load("contexts: {lab: gpu1}\n"), wrong("contexts.lab"));
  EXPECT_THAT(Load("contexts: {\n"), wrong("line"));
}

TEST_F(ContextsTest, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(temp_ / "file") << "in the way";
  EXPECT_THAT(SaveContexts({}, temp_ / "file/mae/config.yaml"),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("file/mae")));
}

TEST(ContextsPath, FollowsXdgThenHome) {
  setenv("HOME", "/home/me", 1);
  setenv("XDG_CONFIG_HOME", "/xdg", 1);
  EXPECT_EQ(ContextsPath(), "/xdg/mae/config.yaml");
  unsetenv("XDG_CONFIG_HOME");
  EXPECT_EQ(ContextsPath(), "/home/me/.config/mae/config.yaml");
}

}  // namespace
}  // namespace mae
