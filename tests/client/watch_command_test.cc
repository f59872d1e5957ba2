#include "client/watch_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Send = std::function<void(const v1::JobEvent&)>;

v1::JobEvent StateAt(int64_t sequence, v1::Job::State state) {
  v1::JobEvent event;
  event.set_sequence(sequence);
  event.mutable_state()->set_state(state);
  return event;
}

v1::JobEvent FailureAt(int64_t sequence, const std::string& message) {
  v1::JobEvent event = StateAt(sequence, v1::Job::FAILED);
  event.mutable_state()->mutable_error()->set_message(message);
  return event;
}

v1::JobEvent MetricsAt(int64_t sequence, const std::map<std::string, double>& values) {
  v1::JobEvent event;
  event.set_sequence(sequence);
  event.mutable_metrics()->set_step(25 * sequence);
  event.mutable_metrics()->set_total_steps(250);
  event.mutable_metrics()->set_epochs(2);
  event.mutable_metrics()->mutable_values()->insert(values.begin(), values.end());
  return event;
}

v1::JobEvent PictureAt(int64_t sequence, int epoch) {
  v1::JobEvent event;
  event.set_sequence(sequence);
  event.mutable_picture()->set_epoch(epoch);
  event.mutable_picture()->set_path("../../samples/epoch.png");
  event.mutable_picture()->set_png("png of " + std::to_string(epoch));
  return event;
}

/// A stream of these events that are after the one asked for, then the end.
Script Streaming(std::vector<v1::JobEvent> events) {
  Script script;
  script.watch_job = [events](auto&, const v1::WatchJobRequest& request, const Send& send) {
    for (const v1::JobEvent& event : events) {
      if (event.sequence() > request.after_sequence()) send(event);
    }
    return grpc::Status::OK;
  };
  return script;
}

/// Sends the events, then holds the stream open until it is cut.
Script HoldingOpen(std::vector<v1::JobEvent> events) {
  Script script;
  script.watch_job = [events](grpc::ServerContext& context, const v1::WatchJobRequest& request,
                              const Send& send) {
    for (const v1::JobEvent& event : events) {
      if (event.sequence() > request.after_sequence()) send(event);
    }
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::CANCELLED;
  };
  return script;
}

ClientResult Watch(const FakeServer& server, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"watch", "x"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunClient(arguments, {.server = server.address()});
}

std::vector<int64_t> SequencesOf(const std::string& json_lines) {
  std::vector<int64_t> sequences;
  for (const auto line : absl::StrSplit(json_lines, '\n', absl::SkipEmpty())) {
    sequences.push_back(std::stoll(nlohmann::json::parse(std::string(line))["sequence"].get<std::string>()));
  }
  return sequences;
}

TEST(Watch, PrintsALineAnEventWhenStderrIsNoTerminal) {
  FakeServer server(
      Streaming({StateAt(1, v1::Job::RUNNING), MetricsAt(2, {{"loss", 0.75}, {"learning_rate", 0.001}}),
                 MetricsAt(3, {{"validation_loss", 0.5}, {"accuracy", 0.9}}), PictureAt(4, 1),
                 StateAt(5, v1::Job::SUCCEEDED)}));
  const ClientResult result = Watch(server);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("RUNNING"));
  EXPECT_THAT(result.err, HasSubstr("step 50/250  epoch 0/2  loss 0.75  lr 0.001"));
  EXPECT_THAT(result.err, HasSubstr("epoch 0/2 done"));
  EXPECT_THAT(result.err, HasSubstr("validation loss 0.5  accuracy 0.9"));
  EXPECT_THAT(result.err, HasSubstr("picture after epoch 1"));
  EXPECT_THAT(result.err, HasSubstr("jobs/x SUCCEEDED"));
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b[")));
}

TEST(Watch, TellsAtAStepHowLongTrainingWaitedForData) {
  FakeServer server(Streaming(
      {StateAt(1, v1::Job::RUNNING),
       MetricsAt(2, {{"loss", 0.75},
                     {"images_per_second", 100},
                     {"images_total", 1000},
                     {"data_wait_seconds_total", 2.5}}),
       MetricsAt(3, {{"validation_loss", 0.5}, {"images_total", 1000}, {"data_wait_seconds_total", 2.5}}),
       StateAt(4, v1::Job::SUCCEEDED)}));
  const ClientResult result = Watch(server);
  EXPECT_THAT(result.err, HasSubstr("100 images/s  waits for data 25 %\n"));
  EXPECT_THAT(result.err, HasSubstr("validation loss 0.5\n"));
}

TEST(Watch, AJobThatPublishesNothingSaysWhatItFound) {
  const std::map<std::string, double> result = {
      {"accuracy", 0.9}, {"top5_accuracy", 0.99}, {"class_accuracy/Ankle boot", 0.95}};
  FakeServer server(
      Streaming({StateAt(1, v1::Job::RUNNING), MetricsAt(2, result), StateAt(3, v1::Job::SUCCEEDED)}));
  const ClientResult watched = Watch(server);
  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  const auto end = watched.err.substr(watched.err.find("jobs/x SUCCEEDED"));
  EXPECT_THAT(end, HasSubstr("\naccuracy  0.9\ntop5_accuracy  0.99\naccuracy of Ankle boot  0.95\n"));
  EXPECT_THAT(watched.err, HasSubstr("done  accuracy 0.9  top5_accuracy 0.99\n"))
      << "a line has no room for every class";
}

TEST(Watch, AJobThatPublishesDoesNotRepeatItsMetrics) {
  auto end = StateAt(2, v1::Job::SUCCEEDED);
  end.mutable_state()->set_published_version("models/m/versions/1");
  FakeServer server(Streaming({MetricsAt(1, {{"accuracy", 0.9}}), end}));
  EXPECT_THAT(Watch(server).err, Not(HasSubstr("\naccuracy  0.9")));
}

TEST(Watch, ShowsOfTheLogOnlyWarningsAndErrors) {
  v1::JobEvent info, warning;
  info.set_sequence(1);
  info.mutable_log()->set_severity("info");
  info.mutable_log()->set_text("step 1 of 24");
  warning.set_sequence(2);
  warning.mutable_log()->set_severity("warning");
  warning.mutable_log()->set_text("the disk is nearly full");
  FakeServer server(Streaming({info, warning, StateAt(3, v1::Job::SUCCEEDED)}));
  const ClientResult result = Watch(server);
  EXPECT_THAT(result.err, HasSubstr("warning: the disk is nearly full"));
  EXPECT_THAT(result.err, Not(HasSubstr("step 1 of 24")));
}

TEST(Watch, SaysWhyAQueuedJobWaits) {
  Script script = Streaming({StateAt(1, v1::Job::QUEUED), StateAt(2, v1::Job::SUCCEEDED)});
  script.get_job = [](const auto&, const auto&, v1::Job& job) {
    job.set_state(v1::Job::QUEUED);
    job.set_pending_reason("waits for a job slot: 1 of 1 in use");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  EXPECT_THAT(Watch(server).err, HasSubstr("QUEUED\nwaits for a job slot: 1 of 1 in use\n"));
}

TEST(Watch, JsonIsOneEventALineOnStdout) {
  FakeServer server(
      Streaming({StateAt(1, v1::Job::RUNNING), PictureAt(2, 1), StateAt(3, v1::Job::SUCCEEDED)}));
  const ClientResult result = Watch(server, {"-o", "json"});
  EXPECT_THAT(SequencesOf(result.out), ElementsAre(1, 2, 3));
  EXPECT_THAT(result.out, HasSubstr("\"state\":\"SUCCEEDED\""));
}

TEST(Watch, GoesOnAfterASequence) {
  FakeServer server(
      Streaming({StateAt(1, v1::Job::RUNNING), MetricsAt(2, {}), StateAt(3, v1::Job::SUCCEEDED)}));
  EXPECT_THAT(SequencesOf(Watch(server, {"-o", "json", "--after", "1"}).out), ElementsAre(2, 3));
}

TEST(Watch, AFailedJobIsExit1WithItsErrorAndRemedy) {
  FakeServer server(Streaming({FailureAt(1, "loss is NaN at step 30: lower optimizer.learning_rate")}));
  const ClientResult result = Watch(server);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("jobs/x FAILED: loss is NaN at step 30: lower optimizer.learning_rate"));
  EXPECT_THAT(result.err, HasSubstr("mae_client resume-job jobs/x"));
}

TEST(Watch, AFailureBeforeAResumeDoesNotCount) {
  FakeServer server(
      Streaming({FailureAt(1, "killed"), StateAt(2, v1::Job::QUEUED), StateAt(3, v1::Job::SUCCEEDED)}));
  EXPECT_EQ(Watch(server).exit_code, 0);
}

TEST(Watch, AStoppedJobIsExit0) {
  FakeServer server(Streaming({StateAt(1, v1::Job::STOPPED)}));
  EXPECT_EQ(Watch(server).exit_code, 0);
}

TEST(Watch, AnEndedJobWithoutNewEventsIsAskedFor) {
  Script script = Streaming({});
  script.get_job = [](const auto&, const auto& request, v1::Job& job) {
    job.set_name(request.name());
    job.set_state(v1::Job::FAILED);
    job.mutable_error()->set_message("out of memory");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = Watch(server, {"--after", "9"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("out of memory"));
}

TEST(Watch, AnUnknownJobIsNotFound) {
  Script script;
  script.watch_job = [](auto&, const auto&, const Send&) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "jobs/x does not exist");
  };
  FakeServer server(std::move(script));
  const ClientResult result = Watch(server);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("jobs/x does not exist"));
}

TEST(Watch, GoesOnAfterTheServerCameBackWithNoEventMissingOrTwice) {
  auto first = std::make_unique<FakeServer>(HoldingOpen(
      {StateAt(1, v1::Job::RUNNING), MetricsAt(2, {{"loss", 0.9}}), MetricsAt(3, {{"loss", 0.8}})}));
  ClientProcess client({"watch", "x", "-o", "json"}, {.server = first->address()});
  ASSERT_TRUE(client.WaitFor("\"sequence\":\"3\""));
  const int port = first->port();
  first.reset();
  ASSERT_TRUE(client.WaitFor("lost the server"));
  // This server repeats an event, as one would that counts from another place.
  Script second = Streaming(
      {MetricsAt(3, {{"loss", 0.8}}), MetricsAt(4, {{"loss", 0.7}}), StateAt(5, v1::Job::SUCCEEDED)});
  second.watch_job = [all = second.watch_job](grpc::ServerContext& context,
                                              const v1::WatchJobRequest& request, const Send& send) {
    EXPECT_EQ(request.after_sequence(), 3);
    return all(context, v1::WatchJobRequest(), send);
  };
  FakeServer again(std::move(second), port);
  const ClientResult result = client.Finish();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(SequencesOf(result.out), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(result.err, HasSubstr("again"));
}

TEST(Watch, GivesUpOnALostServerAfterTheTimeAllowed) {
  auto server = std::make_unique<FakeServer>(HoldingOpen({StateAt(7, v1::Job::RUNNING)}));
  const std::string address = server->address();
  ClientProcess client({"watch", "x", "--reconnect-seconds", "0.5"}, {.server = address});
  ASSERT_TRUE(client.WaitFor("RUNNING"));
  server.reset();
  const ClientResult result = client.Finish();
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("lost the server"));
  EXPECT_THAT(result.err, HasSubstr("gave up"));
  EXPECT_THAT(result.err, HasSubstr("mae_client watch jobs/x --after 7"));
}

TEST(Watch, WithoutAServerFromTheStartIsExit4AtOnce) {
  const ClientResult result = RunClient({"watch", "x"}, {.server = "127.0.0.1:1"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("no server at 127.0.0.1:1"));
  EXPECT_THAT(result.err, HasSubstr("mae_server --listen 127.0.0.1:1"));
}

TEST(Watch, CtrlCDetachesAndNeverStopsTheJob) {
  bool stopped = false;
  Script script = HoldingOpen({StateAt(1, v1::Job::RUNNING), MetricsAt(2, {{"loss", 0.9}})});
  script.stop_job = [&stopped](const auto&, const auto&, auto&) {
    stopped = true;
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  ClientProcess client({"watch", "x"}, {.server = server.address()});
  ASSERT_TRUE(client.WaitFor("loss 0.9"));
  client.Signal(SIGINT);
  const ClientResult result = client.Finish();
  server.Stop();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, HasSubstr("mae_client watch jobs/x --after 2"));
  EXPECT_THAT(result.err, HasSubstr("which goes on"));
  EXPECT_FALSE(stopped);
}

TEST(Watch, CtrlCEndsTheWaitForALostServer) {
  auto server = std::make_unique<FakeServer>(HoldingOpen({StateAt(1, v1::Job::RUNNING)}));
  ClientProcess client({"watch", "x"}, {.server = server->address()});
  ASSERT_TRUE(client.WaitFor("RUNNING"));
  server.reset();
  ASSERT_TRUE(client.WaitFor("lost the server"));
  client.Signal(SIGINT);
  EXPECT_EQ(client.Finish().exit_code, 130);
}

TEST(Watch, SavesPicturesUnderNamesOfItsOwn) {
  TempFolder folder;
  FakeServer server(Streaming({PictureAt(1, 1), PictureAt(2, 12), StateAt(3, v1::Job::SUCCEEDED)}));
  const std::string out = folder / "pictures";
  const ClientResult result = Watch(server, {"--pictures", out});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::string content;
  std::getline(std::ifstream(out + "/epoch-001.png"), content);
  EXPECT_EQ(content, "png of 1");
  EXPECT_TRUE(std::filesystem::exists(out + "/epoch-012.png"));
  EXPECT_THAT(result.err, HasSubstr("saved " + out + "/epoch-012.png"));
}

TEST(Watch, SavesAPictureUnderTheServersNameIfThatIsAPlainOne) {
  TempFolder folder;
  v1::JobEvent named = PictureAt(1, 3), hostile = PictureAt(2, 4);
  named.mutable_picture()->set_path("samples/mask-ratios-after.png");
  hostile.mutable_picture()->set_path("samples/..");
  FakeServer server(Streaming({named, hostile, StateAt(3, v1::Job::SUCCEEDED)}));
  const std::string out = folder / "pictures";
  EXPECT_EQ(Watch(server, {"--pictures", out}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(out + "/mask-ratios-after.png"));
  EXPECT_TRUE(std::filesystem::exists(out + "/epoch-004.png"));
}

TEST(Watch, QuietPrintsTheErrorAlone) {
  FakeServer server(Streaming({MetricsAt(1, {{"loss", 1}}), FailureAt(2, "out of memory")}));
  EXPECT_EQ(Watch(server, {"-q"}).err, "mae_client: jobs/x FAILED: out of memory\n");
}

TEST(Watch, ShowsALiveViewOnATerminal) {
  FakeServer server(
      HoldingOpen({StateAt(1, v1::Job::RUNNING), MetricsAt(2, {{"loss", 0.9}, {"eta_seconds", 100}}),
                   MetricsAt(5, {{"loss", 0.3}, {"eta_seconds", 65}})}));
  ClientProcess client({"watch", "x"}, {.server = server.address(), .stderr_is_terminal = true});
  EXPECT_TRUE(client.WaitFor("━"));
  EXPECT_TRUE(client.WaitFor("step 125/250  ETA 1 min"));
  EXPECT_TRUE(client.WaitFor("█▁"));
  client.Signal(SIGINT);
  const ClientResult result = client.Finish();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.terminal, HasSubstr("\x1b[?25l"));
  EXPECT_THAT(result.terminal, testing::EndsWith("which goes on\r\n"));
  EXPECT_GT(result.terminal.rfind("\x1b[?25h"), result.terminal.rfind("━"))
      << "the cursor must be shown again";
}

TEST(Watch, ADumbTerminalGetsPlainLines) {
  FakeServer server(Streaming({MetricsAt(1, {{"loss", 0.5}}), StateAt(2, v1::Job::SUCCEEDED)}));
  const ClientResult result =
      RunClient({"watch", "x"},
                {.server = server.address(), .environment = {{"TERM", "dumb"}}, .stderr_is_terminal = true});
  EXPECT_THAT(result.terminal, HasSubstr("loss 0.5"));
  EXPECT_THAT(result.terminal, Not(HasSubstr("\x1b[")));
}

TEST(Watch, NoColorMovesTheCursorButColoursNothing) {
  FakeServer server(Streaming({MetricsAt(1, {{"loss", 0.5}}), StateAt(2, v1::Job::SUCCEEDED)}));
  const ClientResult result =
      RunClient({"watch", "x"},
                {.server = server.address(), .environment = {{"NO_COLOR", "1"}}, .stderr_is_terminal = true});
  EXPECT_THAT(result.terminal, HasSubstr("━"));
  EXPECT_THAT(result.terminal, Not(HasSubstr("\x1b[36m")));
}

}  // namespace
}  // namespace mae
