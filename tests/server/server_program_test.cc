// The program itself: what it prints, how it ends.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "job/job_folder.h"
#include "job/job_process.h"
#include "server/token_table.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/server/server_fixture.h"
#include "tests/server/taken_port.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr int kDeadlineMs = 60'000;

// A mae_server of its own, its stdout through a pipe, its stderr to a file.
class ServerProgramTest : public testing::Test {
 protected:
  static std::string Beside(const std::string& program) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / program;
  }
  void Start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), Beside("mae_server"));
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int pipe_fds[2];
    ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
    const std::string errors = temp_ / "stderr";
    pid_ = fork();
    if (pid_ == 0) {
      dup2(pipe_fds[1], STDOUT_FILENO);
      dup2(open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(pipe_fds[1]);
    stdout_ = pipe_fds[0];
  }
  void StartOnData(std::vector<std::string> arguments = {}) {
    // Before the test's own arguments: later ones win.
    arguments.insert(arguments.begin(), {"--set", "jobs.trainer=" + Beside("fake_trainer")});
    arguments.insert(arguments.end(), {"--data-dir", (temp_ / "data").string()});
    for (const char* option : {"--listen", "--metrics-listen"}) {
      if (std::find(arguments.begin(), arguments.end(), option) == arguments.end())
        arguments.insert(arguments.end(), {option, "127.0.0.1:0"});
    }
    Start(arguments);
  }
  void TearDown() override {
    if (stdout_ >= 0) close(stdout_);
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
  }
  std::string ReadLine() {
    std::string line;
    pollfd poll_for_text = {stdout_, POLLIN, 0};
    for (char c = 0; poll(&poll_for_text, 1, kDeadlineMs) == 1 && read(stdout_, &c, 1) == 1 && c != '\n';)
      line += c;
    return line;
  }
  // The exit code, or -1 for an end by a signal.
  int WaitForExit() {
    EXPECT_EQ(ReadLine(), "") << "stdout holds nothing else";
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void WaitForError(const std::string& words) {
    const absl::Time deadline = absl::Now() + absl::Milliseconds(kDeadlineMs);
    while (!absl::StrContains(Errors(), words)) {
      ASSERT_LT(absl::Now(), deadline) << Errors();
      absl::SleepFor(absl::Milliseconds(5));
    }
  }
  // A file of auth.tokens that has one.
  std::string TokensFile() {
    const std::string tokens = temp_ / "tokens.yaml";
    EXPECT_THAT(WriteFileDurably(tokens, MakeToken("ci", "viewer", absl::InfiniteFuture())->entry), IsOk());
    EXPECT_EQ(chmod(tokens.c_str(), 0600), 0);
    return tokens;
  }
  std::string Errors() { return ReadFile(temp_ / "stderr").value_or(""); }

  const TempFolder temp_;
  pid_t pid_ = 0;
  int stdout_ = -1;
};

TEST_F(ServerProgramTest, PrintsItsAddressesAndEndsCleanlyOnSigterm) {
  StartOnData();
  EXPECT_THAT(ReadLine(), MatchesRegex("listening on 127\\.0\\.0\\.1:[1-9][0-9]*"));
  EXPECT_THAT(ReadLine(), MatchesRegex("metrics on http://127\\.0\\.0\\.1:[1-9][0-9]*/metrics"));
  EXPECT_THAT(ReadLine(), MatchesRegex("page on http://127\\.0\\.0\\.1:[1-9][0-9]*/"));
  ASSERT_EQ(kill(pid_, SIGTERM), 0);
  EXPECT_EQ(WaitForExit(), 0);
}

TEST_F(ServerProgramTest, ASignalDuringTheStartEndsItCleanlyToo) {
  StartOnData();
  ASSERT_EQ(kill(pid_, SIGSTOP), 0);  // Wherever in its start it is.
  ASSERT_EQ(kill(pid_, SIGTERM), 0);
  ASSERT_EQ(kill(pid_, SIGCONT), 0);
  int status = 0;
  ASSERT_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = 0;
  EXPECT_TRUE((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
              (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
}

TEST_F(ServerProgramTest, TakesAsManyDescriptorsAsItMayHave) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit few = limit;
  few.rlim_cur = std::min<rlim_t>(256, limit.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  StartOnData();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_THAT(ReadLine(), HasSubstr("listening on"));
  rlimit taken = {};
  ASSERT_EQ(prlimit(pid_, RLIMIT_NOFILE, nullptr, &taken), 0);
  EXPECT_EQ(taken.rlim_cur, limit.rlim_max);
}

// Or it would never learn how its trainers and decoders end.
TEST_F(ServerProgramTest, HearsOfItsChildrenThoughItsParentDidNotWantTo) {
  const auto before = signal(SIGCHLD, SIG_IGN);
  StartOnData();
  ASSERT_NE(signal(SIGCHLD, before), SIG_ERR);
  EXPECT_THAT(ReadLine(), HasSubstr("listening on"));
  const std::string status = ReadFile(absl::StrCat("/proc/", pid_, "/status")).value_or("");
  std::smatch ignored;
  ASSERT_TRUE(std::regex_search(status, ignored, std::regex("SigIgn:\\s*([0-9a-f]+)"))) << status;
  EXPECT_EQ(std::stoull(ignored[1], nullptr, 16) >> (SIGCHLD - 1) & 1, 0) << status;
}

TEST_F(ServerProgramTest, MakesTokensOfWhichItKnowsTheHashes) {
  const auto make = [&] {
    Start({"make-token", "--name", "ci", "--role", "operator", "--expires", "90d"});
    std::vector<std::string> lines;
    for (int i = 0; i < 5; ++i) lines.push_back(ReadLine());
    EXPECT_EQ(WaitForExit(), 0);
    close(stdout_);
    return lines;
  };
  const auto lines = make();
  EXPECT_THAT(lines[0], MatchesRegex("mae_[A-Za-z0-9_-]{43}"));
  EXPECT_EQ(lines[1], "- name: ci");
  EXPECT_EQ(lines[2], "  role: operator");
  EXPECT_EQ(lines[3], "  sha256: " + Sha256Hex(lines[0]));
  EXPECT_THAT(lines[4], MatchesRegex("  expires: 20[0-9-]*T[0-9:]*Z"));
  EXPECT_NE(make()[0], lines[0]);
}

TEST_F(ServerProgramTest, ATokenThatCannotBeMadeIsToldWhy) {
  const std::vector<std::vector<std::string>> wrong = {{"--name", "ci", "--role", "root"},
                                                       {"--name", "C I", "--role", "viewer"},
                                                       {"--name", "ci", "--role", "viewer", "--expires", "9"},
                                                       {"--name", "ci"}};
  for (std::vector<std::string> arguments : wrong) {
    arguments.insert(arguments.begin(), "make-token");
    Start(arguments);
    EXPECT_EQ(WaitForExit(), 2) << arguments.back();
    close(stdout_);
  }
  for (const char* words :
       {"role: 'root'; give viewer", "name: ", "--expires: '9'; give hours, days or weeks"})
    EXPECT_THAT(Errors(), HasSubstr(words));
}

TEST_F(ServerProgramTest, SighupReadsTokensAgainAndEndsNothing) {
  const std::string tokens = TokensFile();
  StartOnData({"--set", "auth.tokens=" + tokens});
  for (int line = 0; line < 3; ++line) EXPECT_NE(ReadLine(), "");
  ASSERT_EQ(kill(pid_, SIGHUP), 0);
  WaitForError("tokens were read again");
  ASSERT_THAT(WriteFileDurably(tokens, "- name: ci"), IsOk());
  ASSERT_EQ(chmod(tokens.c_str(), 0600), 0);
  ASSERT_EQ(kill(pid_, SIGHUP), 0);
  WaitForError("the tokens of before stay");
  ASSERT_EQ(kill(pid_, SIGTERM), 0);
  EXPECT_EQ(WaitForExit(), 0);
}

TEST_F(ServerProgramTest, WhoIsRefusedAtTheMetricsPortIsInTheLogWithTheirAddress) {
  StartOnData({"--set", "auth.tokens=" + TokensFile()});
  ReadLine();
  const std::string metrics = ReadLine();
  ASSERT_THAT(metrics, HasSubstr("metrics on http://127.0.0.1:"));
  int code = 0;
  HttpGetFrom(metrics, "/metrics", &code);
  EXPECT_EQ(code, 401);
  WaitForError("refused a request of 127.0.0.1 to the metrics port: UNAUTHENTICATED");
}

TEST_F(ServerProgramTest, AServerThatAsksNobodySaysSoInItsLog) {
  StartOnData();
  EXPECT_THAT(ReadLine(), HasSubstr("listening on"));
  WaitForError("127.0.0.1:0 asks nobody who they are");
}

TEST_F(ServerProgramTest, ATokenFileThatCannotBeUsedRefusesTheStart) {
  StartOnData({"--set", "auth.tokens=" + (temp_ / "nowhere").string()});
  EXPECT_NE(WaitForExit(), 0);
  EXPECT_THAT(Errors(), HasSubstr("auth.tokens: "));
  EXPECT_FALSE(std::filesystem::exists(temp_ / "data"));
}

TEST_F(ServerProgramTest, ListeningElsewhereNeedsTlsAndTokensOrAnOptionThatSaysWhatItIs) {
  for (const char* option : {"--listen", "--metrics-listen"}) {
    StartOnData({option, "0.0.0.0:0"});
    EXPECT_EQ(WaitForExit(), 2);
    close(stdout_);
    EXPECT_THAT(Errors(), HasSubstr(absl::StrCat("mae_server: ", option, ": 0.0.0.0:0 can be reached")));
  }
  EXPECT_FALSE(std::filesystem::exists(temp_ / "data"));
  StartOnData({"--listen", "0.0.0.0:0", "--metrics-listen", "0.0.0.0:0", "--insecure-listen-for-everybody",
               "--insecure-metrics-listen-for-everybody"});
  EXPECT_THAT(ReadLine(), MatchesRegex("listening on 0\\.0\\.0\\.0:[1-9][0-9]*"));
  WaitForError("0.0.0.0:0 asks nobody who they are");
  WaitForError("0.0.0.0:0 has no TLS");
}

TEST_F(ServerProgramTest, AWrongSettingIsToldAndExitsWithTwo) {
  StartOnData({"--set", "jobs.slot=2"});
  EXPECT_EQ(WaitForExit(), 2);
  EXPECT_THAT(Errors(), HasSubstr("mae_server: --set unknown key 'jobs.slot' (did you mean 'jobs.slots'?)"));
}

TEST_F(ServerProgramTest, AWrongOptionIsToldByItsOwnName) {
  Start({"--listen", "8500"});
  EXPECT_EQ(WaitForExit(), 2);
  EXPECT_THAT(Errors(), HasSubstr("mae_server: --listen: is '8500'; give HOST:PORT"));
}

TEST_F(ServerProgramTest, AnOptionThatIsThereTwiceIsToldSo) {
  Start({"--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(WaitForExit(), 2);
  EXPECT_THAT(Errors(), HasSubstr("mae_server: --listen is given twice; give it once"));
}

TEST_F(ServerProgramTest, ATrainerThatCannotBeRunIsToldBeforeAnythingIsMade) {
  for (const std::string& trainer : {std::string("/nowhere/mae_trainer"), (temp_ / "notes").string()}) {
    ASSERT_THAT(WriteFileDurably(temp_ / "notes", "no program"), IsOk());
    StartOnData({"--set", "jobs.trainer=" + trainer});
    EXPECT_EQ(WaitForExit(), 2);
    EXPECT_THAT(Errors(), HasSubstr("jobs.trainer: " + trainer));
    close(stdout_);
  }
  EXPECT_FALSE(std::filesystem::exists(temp_ / "data"));
}

TEST_F(ServerProgramTest, AnUnknownDeviceIsToldAndExitsWithTwo) {
  StartOnData({"--set", "inference.device=gpu"});
  EXPECT_EQ(WaitForExit(), 2);
  EXPECT_THAT(Errors(), HasSubstr("inference.device: "));
}

// One line, ours: nothing of the libraries' before it.
TEST_F(ServerProgramTest, ATakenPortIsOneLineAndLeavesNoFolder) {
  for (const char* option : {"--listen", "--metrics-listen"}) {
    const TakenPort taken;
    StartOnData({option, taken.address()});
    EXPECT_EQ(WaitForExit(), 1);
    EXPECT_THAT(Errors(), MatchesRegex(absl::StrCat("mae_server: ", option, ": can't listen on ",
                                                    taken.address(), ": Address already in use; [^\n]*\n")));
    close(stdout_);
    std::filesystem::remove(temp_ / "stderr");
  }
  EXPECT_FALSE(std::filesystem::exists(temp_ / "data"));
}

TEST_F(ServerProgramTest, ADataFolderInTheWayIsToldAndExitsWithOne) {
  ASSERT_THAT(WriteFileDurably(temp_ / "data", "a file"), IsOk());
  StartOnData();
  EXPECT_EQ(WaitForExit(), 1);
  EXPECT_THAT(Errors(), HasSubstr((temp_ / "data").string()));
}

}  // namespace
}  // namespace mae
