// The streams of the InferenceService over a socket, and what ends them.
#include "server/request_stream.h"

#include <functional>
#include <stdexcept>
#include <thread>

#include "absl/synchronization/notification.h"
#include "server/inference_service.h"
#include "tests/server/grpc_host.h"
#include "tests/server/serving_fixture.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class RequestStreamTest : public testing::Test {
 protected:
  RequestStreamTest() {
    models_.Publish("mae", TinyAutoencoder());
    models_.Publish("cats", TinyClassifier());
  }

  static v1::ClassifyRequest Request(int images) {
    v1::ClassifyRequest request;
    request.set_model("cats");
    for (int i = 0; i < images; ++i) *request.add_images() = PngImage(8, 12, 1);
    return request;
  }

  ServedModels models_;
  InferenceService service_{models_.requests, models_.queue};
  GrpcHost host_{&service_};
  std::unique_ptr<v1::InferenceService::Stub> stub_ = v1::InferenceService::NewStub(host_.channel());
};

TEST_F(RequestStreamTest, AnswersEachRequestInOrder) {
  const auto context = Patience();
  const auto stream = stub_->StreamClassify(context.get());
  for (const int images : {1, 3, 2}) ASSERT_TRUE(stream->Write(Request(images)));
  stream->WritesDone();
  v1::ClassifyResponse response;
  for (const int images : {1, 3, 2}) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_THAT(response.classifications(), SizeIs(images));
  }
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_THAT(models_.metrics.records(), SizeIs(3));
}

TEST_F(RequestStreamTest, AnswersBeforeTheNextRequestIsSent) {
  const auto context = Patience();
  const auto stream = stub_->StreamEmbed(context.get());
  v1::EmbedRequest request;
  request.set_model("mae");
  *request.add_images() = PngImage(8, 12, 1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->Write(request));
    v1::EmbedResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_THAT(response.embeddings().shape(), ElementsAre(1, 16));
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(RequestStreamTest, ReconstructStreamsToo) {
  const auto context = Patience();
  const auto stream = stub_->StreamReconstruct(context.get());
  v1::ReconstructRequest request;
  request.set_model("mae");
  *request.add_images() = PngImage(8, 12, 1);
  ASSERT_TRUE(stream->Write(request));
  v1::ReconstructResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_THAT(response.reconstructions(), SizeIs(1));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(RequestStreamTest, AFailedRequestEndsTheStreamAndSaysWhichItWas) {
  const auto context = Patience();
  const auto stream = stub_->StreamClassify(context.get());
  ASSERT_TRUE(stream->Write(Request(1)));
  v1::ClassifyResponse response;
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_TRUE(stream->Write(Request(0)));
  EXPECT_FALSE(stream->Read(&response));
  const auto status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("request 2 of the stream: images: "));
  EXPECT_THAT(FaultyFields(status), ElementsAre("images"));
}

TEST_F(RequestStreamTest, AnEmptyStreamIsNoError) {
  const auto context = Patience();
  const auto stream = stub_->StreamClassify(context.get());
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(RequestStreamTest, ACancelledStreamEndsAndTheServerGoesOn) {
  {
    const auto context = Patience();
    const auto stream = stub_->StreamClassify(context.get());
    ASSERT_TRUE(stream->Write(Request(1)));
    v1::ClassifyResponse response;
    ASSERT_TRUE(stream->Read(&response));
    context->TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  v1::ClassifyResponse response;
  EXPECT_TRUE(stub_->Classify(Patience().get(), Request(1), &response).ok());
}

TEST_F(RequestStreamTest, ShutdownEndsIdleStreams) {
  const auto context = Patience();
  InferenceService service(models_.requests, models_.queue);
  auto host = std::make_unique<GrpcHost>(std::initializer_list<grpc::Service*>{&service});
  const auto stub = v1::InferenceService::NewStub(host->channel());
  const auto stream = stub->StreamClassify(context.get());
  ASSERT_TRUE(stream->Write(Request(1)));
  v1::ClassifyResponse response;
  ASSERT_TRUE(stream->Read(&response));
  host.reset();  // returns only when the stream's reactor has ended
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(RequestStreamTest, AFullQueueEndsTheStreamWithARetryDelay) {
  absl::Notification started, go_on;
  WorkQueue full(1, 0);
  ASSERT_TRUE(full.TryPush([&] {
    started.Notify();
    go_on.WaitForNotification();
  }));
  started.WaitForNotification();
  InferenceService service(models_.requests, full);
  GrpcHost host({&service});
  const auto context = Patience();
  const auto stub = v1::InferenceService::NewStub(host.channel());
  const auto stream = stub->StreamClassify(context.get());
  ASSERT_TRUE(stream->Write(Request(1)));
  v1::ClassifyResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const auto status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_details(), HasSubstr("RetryInfo"));
  go_on.Notify();
}

constexpr absl::Duration kPatience = absl::Seconds(60);  // of a test that would else hang

// Requests of a stream that wait for one another: what each answer waits for, and is, is up to the test.
class WindowedService final : public v1::InferenceService::CallbackService {
 public:
  using Answer = std::function<absl::Status(const grpc::CallbackServerContext&, int64_t index)>;

  explicit WindowedService(WorkQueue& queue) : queue_(queue) {}

  grpc::ServerBidiReactor<v1::ClassifyRequest, v1::ClassifyResponse>* StreamClassify(
      grpc::CallbackServerContext* context) override {
    return new RequestStream<v1::ClassifyRequest, v1::ClassifyResponse>(
        *context, queue_, streams_, [=, this](const auto&, const StreamPlace& place, auto& response) {
          {
            const absl::MutexLock lock(&mutex_);
            ++begun_;
          }
          response.set_stream_index(place.index);
          return answer(*context, place.index);
        });
  }

  bool HasBegun(int answers, absl::Duration patience = kPatience) {
    const absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return begun_ >= answers; };
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), patience);
  }

  Answer answer;  ///< set before the first request

  OpenStreams& streams() { return streams_; }

 private:
  WorkQueue& queue_;
  OpenStreams streams_;
  absl::Mutex mutex_;
  int begun_ ABSL_GUARDED_BY(mutex_) = 0;
};

class WindowedStreamTest : public testing::Test {
 protected:
  WindowedStreamTest() {
    service_.answer = [this](const auto&, int64_t index) {
      if (index == 0) first_may_end_.WaitForNotificationWithTimeout(kPatience);
      return absl::OkStatus();
    };
  }

  auto Start(const std::string& window, const std::string& order) {
    context_ = Patience();
    context_->AddMetadata("mae-stream-window", window);
    context_->AddMetadata("mae-stream-order", order);
    return stub_->StreamClassify(context_.get());
  }

  template <typename Stream>
  static int64_t NextIndex(Stream& stream) {
    v1::ClassifyResponse response;
    return stream.Read(&response) ? response.stream_index() : -1;
  }

  absl::Notification first_may_end_;
  WorkQueue queue_{Threads(), 8};
  WindowedService service_{queue_};
  std::unique_ptr<GrpcHost> host_ =
      std::make_unique<GrpcHost>(std::initializer_list<grpc::Service*>{&service_});
  std::unique_ptr<v1::InferenceService::Stub> stub_ = v1::InferenceService::NewStub(host_->channel());
  std::unique_ptr<grpc::ClientContext> context_;

 private:
  static int Threads() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    return test.starts_with("OneThread") ? 1 : 8;
  }
};

TEST_F(WindowedStreamTest, AnswersComeAsTheyAreMadeIfTheOrderIsNotKept) {
  const auto stream = Start("2", "any");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(stream->Write({}));
  for (const int64_t index : {1, 2, 3}) EXPECT_EQ(NextIndex(*stream), index);
  first_may_end_.Notify();
  EXPECT_EQ(NextIndex(*stream), 0);
  stream->WritesDone();
  EXPECT_EQ(NextIndex(*stream), -1);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(WindowedStreamTest, AnswersKeepTheirOrderThoughTheyAreMadeTogether) {
  const auto stream = Start("3", "kept");
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(stream->Write({}));
  stream->WritesDone();
  ASSERT_TRUE(service_.HasBegun(2));
  first_may_end_.Notify();
  for (int64_t index = 0; index < 6; ++index) EXPECT_EQ(NextIndex(*stream), index);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(WindowedStreamTest, NoMoreThanTheWindowAreInWork) {
  absl::Notification may_end;
  service_.answer = [&](const auto&, int64_t) {
    may_end.WaitForNotificationWithTimeout(kPatience);
    return absl::OkStatus();
  };
  const auto stream = Start("3", "any");
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(stream->Write({}));
  stream->WritesDone();
  EXPECT_TRUE(service_.HasBegun(3));
  EXPECT_FALSE(service_.HasBegun(4, absl::Milliseconds(200)));
  may_end.Notify();
  for (int i = 0; i < 6; ++i) EXPECT_GE(NextIndex(*stream), 0);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(WindowedStreamTest, AnErrorEndsTheStreamThoughMoreIsBeingRead) {
  service_.answer = [this](const auto&, int64_t index) {
    if (index > 0) return absl::OkStatus();
    first_may_end_.WaitForNotificationWithTimeout(kPatience);
    return InvalidField("images", "none");
  };
  const auto stream = Start("3", "kept");
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(stream->Write({}));
  ASSERT_TRUE(service_.HasBegun(2));
  first_may_end_.Notify();
  EXPECT_EQ(NextIndex(*stream), -1);
  const auto status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("request 1 of the stream: images: none"));
  EXPECT_THAT(FaultyFields(status), ElementsAre("images"));
}

TEST_F(WindowedStreamTest, AStreamThatIsCancelledEndsWhenItsAnswersAreMade) {
  {
    const auto stream = Start("2", "kept");
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(stream->Write({}));
    ASSERT_TRUE(service_.HasBegun(2));
    context_->TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  first_may_end_.Notify();  // The host's end waits for the stream's.
}

TEST_F(WindowedStreamTest, ADrainEndsAStreamWhenWhatItHasReadIsAnswered) {
  const auto stream = Start("2", "kept");
  ASSERT_TRUE(stream->Write({}));
  ASSERT_TRUE(service_.HasBegun(1));
  service_.streams().Drain();
  first_may_end_.Notify();
  EXPECT_EQ(NextIndex(*stream), 0);
  EXPECT_EQ(NextIndex(*stream), -1);
  const auto status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("shuts down"));
}

TEST_F(WindowedStreamTest, ADrainEndsIdleStreamsAndThoseThatComeThen) {
  first_may_end_.Notify();
  for (const bool before : {true, false}) {
    const auto stream = Start("1", "kept");
    if (before) {
      ASSERT_TRUE(stream->Write({}));
      EXPECT_EQ(NextIndex(*stream), 0);
      service_.streams().Drain();
    }
    EXPECT_EQ(NextIndex(*stream), -1);
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(WindowedStreamTest, OneThreadHasOneAnswerOfAStreamThatIsCancelledMeanwhile) {
  service_.answer = [](const grpc::CallbackServerContext& context, int64_t) {
    const absl::Time until = absl::Now() + kPatience;
    while (!context.IsCancelled() && absl::Now() < until) std::this_thread::yield();
    return absl::OkStatus();
  };
  {
    const auto stream = Start("3", "kept");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream->Write({}));
    ASSERT_TRUE(service_.HasBegun(1));
    while (!queue_.LacksThreads()) std::this_thread::yield();  // The second waits.
    context_->TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  host_ = nullptr;  // The stream has ended.
  EXPECT_FALSE(service_.HasBegun(2, absl::ZeroDuration()));
}

TEST_F(WindowedStreamTest, WhatAnAnswerThrowsEndsItsStreamAlone) {
  service_.answer = [](const grpc::CallbackServerContext&, int64_t) -> absl::Status {
    throw std::runtime_error("odd");
  };
  for (int i = 0; i < 2; ++i) {
    const auto stream = Start("1", "kept");
    ASSERT_TRUE(stream->Write({}));
    EXPECT_EQ(NextIndex(*stream), -1);
    const auto status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_THAT(status.error_message(), HasSubstr("odd"));
  }
}

TEST_F(WindowedStreamTest, OptionsOutOfRangeAreRefusedByName) {
  for (const auto& [window, order] : {std::pair{"17", "any"}, {"0", "any"}, {"x", "any"}, {"2", "none"}}) {
    const auto stream = Start(window, order);
    EXPECT_EQ(NextIndex(*stream), -1);
    const auto status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(FaultyFields(status),
                ElementsAre(std::string(order) == "none" ? "mae-stream-order" : "mae-stream-window"));
  }
}

}  // namespace
}  // namespace mae
