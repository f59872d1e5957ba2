// The streams of the InferenceService over a socket, and what ends them.
#include "server/request_stream.h"

#include <algorithm>
#include <atomic>

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

// Requests of a stream that wait for one another: what each answer waits for is up to the test.
class WindowedService final : public v1::InferenceService::CallbackService {
 public:
  explicit WindowedService(WorkQueue& queue) : queue_(queue) {}

  grpc::ServerBidiReactor<v1::ClassifyRequest, v1::ClassifyResponse>* StreamClassify(
      grpc::CallbackServerContext* context) override {
    return new RequestStream<v1::ClassifyRequest, v1::ClassifyResponse>(
        StreamOptionsOf(*context), queue_, [this](const auto&, const StreamPlace& place, auto& response) {
          most_ = std::max<int>(most_, ++in_work_);
          if (place.index == 0) first_may_end.WaitForNotificationWithTimeout(kPatience);
          if (place.index == 1) second_began.Notify();
          response.set_stream_index(place.index);
          --in_work_;
          return absl::OkStatus();
        });
  }

  int most() const { return most_; }
  absl::Notification first_may_end, second_began;

 private:
  WorkQueue& queue_;
  std::atomic<int> in_work_ = 0, most_ = 0;
};

class WindowedStreamTest : public testing::Test {
 protected:
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

  WorkQueue queue_{8, 8};
  WindowedService service_{queue_};
  GrpcHost host_{&service_};
  std::unique_ptr<v1::InferenceService::Stub> stub_ = v1::InferenceService::NewStub(host_.channel());
  std::unique_ptr<grpc::ClientContext> context_;
};

TEST_F(WindowedStreamTest, AnswersComeAsTheyAreMadeIfTheOrderIsNotKept) {
  const auto stream = Start("2", "any");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(stream->Write({}));
  for (const int64_t index : {1, 2, 3}) EXPECT_EQ(NextIndex(*stream), index);
  service_.first_may_end.Notify();
  EXPECT_EQ(NextIndex(*stream), 0);
  stream->WritesDone();
  EXPECT_EQ(NextIndex(*stream), -1);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_LE(service_.most(), 2);
}

TEST_F(WindowedStreamTest, AnswersKeepTheirOrderThoughTheyAreMadeTogether) {
  const auto stream = Start("3", "kept");
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(stream->Write({}));
  stream->WritesDone();
  ASSERT_TRUE(service_.second_began.WaitForNotificationWithTimeout(kPatience));
  service_.first_may_end.Notify();
  for (int64_t index = 0; index < 6; ++index) EXPECT_EQ(NextIndex(*stream), index);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_LE(service_.most(), 3);
}

TEST_F(WindowedStreamTest, AStreamThatIsCancelledEndsWhenItsAnswersAreMade) {
  {
    const auto stream = Start("2", "kept");
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(stream->Write({}));
    ASSERT_TRUE(service_.second_began.WaitForNotificationWithTimeout(kPatience));
    context_->TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  service_.first_may_end.Notify();  // The host's end waits for the stream's.
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
