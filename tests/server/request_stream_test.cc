// The streams of the InferenceService over a socket, and what ends them.
#include "server/request_stream.h"

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

}  // namespace
}  // namespace mae
