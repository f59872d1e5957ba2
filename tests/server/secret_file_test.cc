#include "server/secret_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>

#include "absl/cleanup/cleanup.h"
#include "base/joined_thread.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;

TEST(SecretFile, WhatIsLookedAtIsWhatIsRead) {
  const TempFolder temp;
  for (const char* name : {"secret", "open"}) std::ofstream(temp / name) << name;
  chmod((temp / "secret").c_str(), 0600);
  chmod((temp / "open").c_str(), 0644);
  std::filesystem::create_symlink("secret", temp / "link");
  std::atomic<bool> ends = false;
  const JoinedThread swaps([&] {
    for (bool turn = false; !ends; turn = !turn) {
      std::filesystem::create_symlink(turn ? "secret" : "open", temp / "next");
      std::filesystem::rename(temp / "next", temp / "link");
    }
  });
  const absl::Cleanup end_swaps = [&] { ends = true; };
  for (int i = 0; i < 5000; ++i) {
    const auto text = ReadSecretFile(temp / "link", "setting");
    if (text.ok()) {
      ASSERT_EQ(*text, "secret") << "others may change that file";
    } else {
      ASSERT_THAT(text, StatusIs(StatusCode::kFailedPrecondition));
    }
  }
}

TEST(SecretFile, OneThatIsTooLargeOrNoFileIsRefused) {
  const TempFolder temp;
  std::ofstream(temp / "large") << std::string((1 << 20) + 1, 'a');
  chmod((temp / "large").c_str(), 0600);
  EXPECT_THAT(ReadSecretFile(temp / "large", "setting"), StatusIs(StatusCode::kInvalidArgument));
  ASSERT_EQ(mkfifo((temp / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(ReadSecretFile(temp / "pipe", "setting"), StatusIs(StatusCode::kFailedPrecondition))
      << "and nobody waits for a writer";
}

}  // namespace
}  // namespace mae
