#include "absl/strings/str_cat.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/server_fixture.h"

namespace mae {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;
using v1::Job;

class WatchJobTest : public ServerTest {
 protected:
  static void ExpectNoGapNoTwin(const std::vector<v1::JobEvent>& events, int64_t after) {
    for (const v1::JobEvent& event : events) EXPECT_EQ(event.sequence(), ++after);
  }
};

TEST_F(WatchJobTest, TellsTheWholeLifeInOrderAndEnds) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  Tell(name, "picture 1");
  Tell(name, "metrics 5 0.25");
  Tell(name, "succeed bare");
  grpc::Status status;
  const auto events = Watch(name, 0, nullptr, &status);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ExpectNoGapNoTwin(events, 0);
  ASSERT_EQ(events.size(), 6u);
  EXPECT_TRUE(IsState(events[0], Job::QUEUED));
  EXPECT_TRUE(IsState(events[1], Job::STARTING));
  EXPECT_TRUE(IsState(events[2], Job::RUNNING));
  EXPECT_EQ(events[3].picture().png(), "png 1");
  EXPECT_EQ(events[3].picture().caption(), "epoch 1");
  EXPECT_EQ(events[4].metrics().values().at("loss"), 0.25);
  EXPECT_TRUE(IsState(events[5], Job::SUCCEEDED));
}

TEST_F(WatchJobTest, OneStreamTooManyIsRefusedUntilAnotherEnds) {
  StartServer({"jobs.max_watches=1"});
  const std::string name = MustCreate().name();
  WaitForState(name, Job::RUNNING);
  grpc::Status status;
  Watch(
      name, 0,
      [&](const v1::JobEvent&) {
        Watch(name, 0, nullptr, &status);
        return true;
      },
      nullptr);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("jobs.max_watches"));
  Tell(name, "succeed bare");
  WaitForState(name, Job::SUCCEEDED);
  do {  // the first has been given up, of which the server hears soon
    Watch(name, 0, nullptr, &status);
  } while (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(WatchJobTest, ResumesFromAnySequenceWithoutGapOrTwin) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  for (int i = 0; i < 60; ++i) Tell(name, absl::StrCat("log ", i));
  Tell(name, "succeed bare");
  const auto all = Watch(name);
  ASSERT_EQ(all.size(), 64u);
  ExpectNoGapNoTwin(all, 0);
  for (const int64_t after : {1, 15, 16, 17, 63}) {
    const auto rest = Watch(name, after);
    EXPECT_EQ(rest.size(), all.size() - static_cast<size_t>(after));
    ExpectNoGapNoTwin(rest, after);
  }
  EXPECT_TRUE(Watch(name, 64).empty());
}

TEST_F(WatchJobTest, ManyWatchersOfOneJobSeeTheSame) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  std::vector<std::vector<v1::JobEvent>> seen(8);
  std::vector<JoinedThread> watchers;
  for (auto& events : seen) watchers.emplace_back([&, this] { events = Watch(name); });
  for (int i = 0; i < 40; ++i) Tell(name, absl::StrCat("log ", i));
  Tell(name, "succeed bare");
  watchers.clear();
  for (const auto& events : seen) {
    EXPECT_EQ(events.size(), 44u);
    ExpectNoGapNoTwin(events, 0);
  }
}

TEST_F(WatchJobTest, ASlowReaderMissesNothing) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_name(name);
  const auto stream = jobs_->WatchJob(&context, request);
  v1::JobEvent event;
  ASSERT_TRUE(stream->Read(&event));
  // The job writes and ends while this stream reads nothing.
  const std::string text(4000, 'x');
  for (int i = 0; i < 200; ++i) Tell(name, absl::StrCat("log ", text));
  Tell(name, "succeed bare");
  WaitForEnd(name);
  int64_t last = event.sequence();
  while (stream->Read(&event)) EXPECT_EQ(event.sequence(), ++last);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(last, 204);
}

// A job of twelve pictures of a megabyte each, that has ended.
class PicturesTest : public WatchJobTest {
 protected:
  void Train() {
    name_ = MustCreate().name();
    WaitUntilRunning(name_);
    for (int epoch = 1; epoch <= 12; ++epoch) Tell(name_, absl::StrCat("picture ", epoch));
    Tell(name_, "succeed bare");
    WaitForEnd(name_);
    for (const v1::JobEvent& event : Watch(name_)) {
      if (!event.has_picture()) continue;
      files_.push_back(Folder(name_).root() / event.picture().path());
      std::filesystem::resize_file(files_.back(), kBytes);
    }
    ASSERT_EQ(files_.size(), 12u);
  }

  static constexpr size_t kBytes = 1 << 20;
  std::string name_;
  std::vector<std::filesystem::path> files_;
};

TEST_F(PicturesTest, AReaderThatIsSlowHoldsFewOfThem) {
  StartServer();
  Train();
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_name(name_);
  const auto stream = jobs_->WatchJob(&context, request);
  v1::JobEvent event;
  while (stream->Read(&event) && !event.has_picture()) continue;
  EXPECT_EQ(event.picture().png().size(), kBytes);
  std::filesystem::remove(files_.back());  // of which nobody should have the bytes by now
  std::vector<size_t> sizes;
  while (stream->Read(&event)) {
    if (event.has_picture()) sizes.push_back(event.picture().png().size());
  }
  EXPECT_TRUE(stream->Finish().ok());
  std::vector<size_t> expected(11, kBytes);
  expected.back() = 0;
  EXPECT_EQ(sizes, expected);
}

TEST_F(PicturesTest, OneThatDoesNotFitIntoAMessageComesWithoutItsBytes) {
  StartServer({"rpc.max_message_mib=1"});
  Train();
  grpc::Status status;
  const auto events = Watch(name_, 0, nullptr, &status);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ExpectNoGapNoTwin(events, 0);
  ASSERT_EQ(events.size(), 16u);
  EXPECT_EQ(events[4].picture().caption(), "epoch 2");
  EXPECT_EQ(events[4].picture().png(), "");
}

TEST_F(WatchJobTest, AnUnknownJobEndsAtOnce) {
  StartServer();
  grpc::Status status;
  EXPECT_TRUE(Watch("jobs/nobody", 0, nullptr, &status).empty());
  EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
  Watch("nobody", 0, nullptr, &status);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(WatchJobTest, AServerThatShutsDownSaysSo) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_name(name);
  const auto stream = jobs_->WatchJob(&context, request);
  v1::JobEvent event;
  while (stream->Read(&event) && !IsState(event, Job::RUNNING)) continue;
  DropServer();
  EXPECT_FALSE(stream->Read(&event));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("after_sequence=3"));
}

TEST_F(WatchJobTest, AWatcherThatLeavesDisturbsNobody) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  for (int i = 0; i < 20; ++i) Watch(name, 0, [](const auto&) { return true; });
  Tell(name, "succeed bare");
  EXPECT_EQ(WaitForEnd(name).state(), Job::SUCCEEDED);
}

}  // namespace
}  // namespace mae
