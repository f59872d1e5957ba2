#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Usage, HelpHasExamplesBeforeOptionsAndEveryVerb) {
  const ClientResult result = RunClient({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_LT(result.out.find("Examples:"), result.out.find("--server"));
  for (const char* verb : {"start-linear-probe",
                           "start-knn-probe",
                           "start-evaluate",
                           "start-pretrain",
                           "start-finetune",
                           "watch",
                           "list-jobs",
                           "get-job",
                           "stop-job",
                           "resume-job",
                           "delete-job",
                           "metrics",
                           "plot",
                           "list-datasets",
                           "get-dataset",
                           "upload-dataset",
                           "delete-dataset",
                           "list-models",
                           "get-model",
                           "import-model",
                           "export-model",
                           "set-alias",
                           "delete-model",
                           "load-model",
                           "unload-model",
                           "reconstruct",
                           "classify",
                           "embed",
                           "server-info",
                           "config",
                           "completion"}) {
    EXPECT_THAT(result.out, HasSubstr(absl::StrCat("  ", verb, " ")));
    const ClientResult help = RunClient({verb, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.out, HasSubstr(absl::StrCat("Examples:\n  mae_client ")));
  }
}

// OpenCV's readers of image files bring a hundred libraries, which take longer to load than all others.
TEST(Usage, HelpLoadsNothingThatReadsPictures) {
  const ClientResult result = RunClient({"--help"}, {.environment = {{"LD_DEBUG", "libs"}}});
  EXPECT_THAT(result.err, HasSubstr("libgrpc++"));  // the loader tells what it loads
  for (const char* library : {"libopencv_imgcodecs", "libgdal", "libtiff"})
    EXPECT_THAT(result.err, Not(HasSubstr(library)));
}

TEST(Usage, VersionIsOnStdout) {
  EXPECT_THAT(RunClient({"--version"}).out, testing::MatchesRegex("mae_client [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Usage, AMistypedVerbNamesTheNearest) {
  const ClientResult result = RunClient({"lst-jobs"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("unknown verb 'lst-jobs' (did you mean 'list-jobs'?)"));
}

TEST(Usage, AMistypedOptionNamesTheNearest) {
  EXPECT_THAT(RunClient({"start-pretrain", "--recipie", "x"}).err, HasSubstr("(did you mean '--recipe'?)"));
  EXPECT_THAT(RunClient({"--sever", "x", "list-jobs"}).err, HasSubstr("(did you mean '--server'?)"));
}

TEST(Usage, ErrorsAreExit2AndPointToTheHelpOfTheVerb) {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"get-job"},
                                                       {"get-job", "a", "b"},
                                                       {"list-jobs", "-o", "xml"},
                                                       {"list-jobs", "--timeout", "0"},
                                                       {"metrics", "x", "--max-points", "0"},
                                                       {"set-alias", "m", "prod", "0"},
                                                       {"set-alias", "m", "prod", "1", "--remove"},
                                                       {"completion", "tcsh"}};
  for (const auto& arguments : wrong) {
    const ClientResult result = RunClient(arguments);
    EXPECT_EQ(result.exit_code, 2) << absl::StrJoin(arguments, " ");
    EXPECT_EQ(result.out, "");
    const std::string verb = arguments.empty() ? "" : " " + arguments[0];
    EXPECT_THAT(result.err, HasSubstr(absl::StrCat("see:  mae_client", verb, " --help\n")));
  }
}

TEST(Usage, ATimeoutIsANumberAboveZero) {
  for (const char* wrong : {"0", "-1", "nan", "inf", "soon"}) {
    const ClientResult result = RunClient({"list-jobs", "--timeout", wrong});
    EXPECT_EQ(result.exit_code, 2) << wrong;
    EXPECT_THAT(result.err,
                HasSubstr(absl::StrCat("mae_client: --timeout: '", wrong,
                                       "' is no time to wait; give a number of seconds above 0\n")));
  }
}

TEST(Usage, GlobalOptionsStandBeforeOrAfterTheVerb) {
  Script script;
  script.info.set_version("7");
  FakeServer server(std::move(script));
  const std::vector<std::string> before = {"--server", server.address(), "-o", "json", "server-info"};
  const std::vector<std::string> after = {"server-info", "--server", server.address(), "-o", "json"};
  const ClientResult first = RunClient(before), second = RunClient(after);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(first.out, second.out);
  EXPECT_THAT(first.out, HasSubstr("\"version\": \"7\""));
}

TEST(Usage, NoServerIsExit4WithTheAddressAndWhatToDo) {
  const ClientResult result = RunClient({"list-jobs"}, {.server = "127.0.0.1:1"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("no server at 127.0.0.1:1 (Connection refused): start one with "
                                    "`mae_server --listen 127.0.0.1:1`"));
}

// Connections are taken by the kernel, and nobody answers on them.
TEST(Usage, AServerTooBusyToAnswerIsWaitedForAsLongAsTimeoutSays) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const ClientResult result = RunClient({"list-jobs", "--timeout", "1"},
                                        {.server = absl::StrCat("127.0.0.1:", ntohs(address.sin_port))});
  close(listener);
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("did not answer within 1s: allow more with --timeout"));
}

TEST(Usage, LostOutputIsAnError) {
  FakeServer server(Script{});
  const std::string command = absl::StrCat(std::getenv("MAE_BIN_DIR"), "/mae_client --server ",
                                           server.address(), " server-info > /dev/full 2> /dev/null");
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
}

}  // namespace
}  // namespace mae
