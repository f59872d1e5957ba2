#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/client/client_process.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// What bash offers after these words, the last of them unfinished.
std::vector<std::string> OfferedByBash(const std::vector<std::string>& words) {
  TempFolder folder;
  std::ofstream script(folder / "run.bash");
  script << RunClient({"completion", "bash"}).out << "COMP_WORDS=(mae_client";
  for (const std::string& word : words) script << " '" << word << "'";
  script << ")\nCOMP_CWORD=" << words.size() << "\n_mae_client\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  script.close();
  FILE* pipe = popen(absl::StrCat("bash ", (folder / "run.bash").string()).c_str(), "r");
  std::string output;
  char buffer[4096];
  while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) output += buffer;
  EXPECT_EQ(pclose(pipe), 0);
  return absl::StrSplit(output, '\n', absl::SkipEmpty());
}

TEST(Completion, BashOffersVerbsThenTheirOptions) {
  EXPECT_THAT(OfferedByBash({"list-"}), ElementsAre("list-jobs", "list-datasets", "list-models"));
  EXPECT_THAT(OfferedByBash({"watch", "--re"}), ElementsAre("--reconnect-seconds"));
  EXPECT_THAT(OfferedByBash({"-o", "json", "stop-job", "--n"}), ElementsAre("--now"));
  EXPECT_THAT(OfferedByBash({"config", "s"}), ElementsAre("show", "set"));
}

TEST(Completion, BashOffersValues) {
  EXPECT_THAT(OfferedByBash({"start-pretrain", "--recipe", "fashion-mnist-p"}),
              ElementsAre("fashion-mnist-pretrain"));
  EXPECT_THAT(OfferedByBash({"list-jobs", "-o", "j"}), ElementsAre("json"));
  EXPECT_THAT(OfferedByBash({"list-jobs", "--"}), Contains("--server"));
  EXPECT_THAT(OfferedByBash({"list-jobs", "--"}), Not(Contains("--recipe")));
}

TEST(Completion, ZshAndFishHaveEveryVerb) {
  const std::string zsh = RunClient({"completion", "zsh"}).out, fish = RunClient({"completion", "fish"}).out;
  EXPECT_THAT(zsh, testing::StartsWith("#compdef mae_client\n"));
  for (const char* verb : {"start-pretrain", "watch", "reconstruct", "config"}) {
    EXPECT_THAT(zsh, HasSubstr(absl::StrCat("    ", verb, ") words='")));
    EXPECT_THAT(fish, HasSubstr(absl::StrCat("__fish_use_subcommand -f -a ", verb, " -d '")));
  }
  EXPECT_THAT(fish, HasSubstr("'__fish_seen_subcommand_from start-pretrain' -l recipe -r -a '"));
}

}  // namespace
}  // namespace mae
