#include "server/unary_call.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "mae/v1/dataset.grpc.pb.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

// GetDataset runs `body`.
class BodyService final : public v1::DatasetService::CallbackService {
 public:
  BodyService(WorkQueue& queue, std::function<absl::Status()> body) : queue_(queue), body_(std::move(body)) {}
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* context, const v1::GetDatasetRequest*,
                                       v1::Dataset* response) override {
    return RunUnary(context, queue_, [this, response] {
      response->set_name("answered");
      return body_();
    });
  }

 private:
  WorkQueue& queue_;
  const std::function<absl::Status()> body_;
};

// GetDataset takes the ticket, and runs nothing.
class TicketService final : public v1::DatasetService::CallbackService {
 public:
  TicketService(WorkQueue& queue, std::shared_ptr<void> ticket) : queue_(queue), ticket_(std::move(ticket)) {}
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* context, const v1::GetDatasetRequest*,
                                       v1::Dataset*) override {
    return RunAdmitted(context, queue_,
                       absl::StatusOr<std::shared_ptr<void>>(std::exchange(ticket_, nullptr)),
                       [] { return absl::OkStatus(); });
  }

 private:
  WorkQueue& queue_;
  std::shared_ptr<void> ticket_;
};

class UnaryCallTest : public testing::Test {
 protected:
  void Serve(std::function<absl::Status()> body) {
    Serve(std::make_unique<BodyService>(queue_, std::move(body)));
  }
  void Serve(std::unique_ptr<grpc::Service> service) {
    service_ = std::move(service);
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::DatasetService::NewStub(server_->InProcessChannel({}));
  }
  grpc::Status Call(std::chrono::milliseconds patience, v1::Dataset& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    return stub_->GetDataset(&context, {}, &response);
  }

  static constexpr auto kLong = std::chrono::seconds(60);
  absl::Notification started_, release_;  // outlive the work that waits for them
  WorkQueue queue_{1, 1};
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::DatasetService::Stub> stub_;
};

TEST_F(UnaryCallTest, TheBodysStatusAndResponseReachTheCaller) {
  Serve([] { return absl::OkStatus(); });
  v1::Dataset response;
  EXPECT_TRUE(Call(kLong, response).ok());
  EXPECT_EQ(response.name(), "answered");
}

TEST_F(UnaryCallTest, AnErrorKeepsItsDetails) {
  Serve([] { return InvalidField("name", "is empty"); });
  v1::Dataset response;
  const grpc::Status status = Call(kLong, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_details(), "");
}

TEST_F(UnaryCallTest, WhatTheBodyThrowsIsAnErrorOfItsCallAlone) {
  bool throws = true;
  Serve([&]() -> absl::Status {
    if (std::exchange(throws, false)) throw std::runtime_error("odd");
    return absl::OkStatus();
  });
  v1::Dataset response;
  const grpc::Status status = Call(kLong, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(status.error_message(), "the call: odd");
  EXPECT_TRUE(Call(kLong, response).ok());
}

TEST_F(UnaryCallTest, AFullQueueRefusesAtOnceAndSaysWhenToTryAgain) {
  ASSERT_TRUE(queue_.TryPush([this] {
    started_.Notify();
    release_.WaitForNotification();
  }));
  started_.WaitForNotification();
  ASSERT_TRUE(queue_.TryPush([] {}));
  Serve([] { return absl::OkStatus(); });
  v1::Dataset response;
  const grpc::Status status = Call(kLong, response);
  release_.Notify();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(status.error_details().find("google.rpc.RetryInfo"), std::string::npos);
}

TEST_F(UnaryCallTest, ACallWhoseCallerHasGoneIsNotRun) {
  ASSERT_TRUE(queue_.TryPush([this] { release_.WaitForNotification(); }));
  std::atomic<int> runs = 0;
  Serve([&] {
    ++runs;
    return absl::OkStatus();
  });
  v1::Dataset response;
  EXPECT_EQ(Call(std::chrono::milliseconds(50), response).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  release_.Notify();
  server_->Shutdown();  // Waits for the call to end on the server's side too.
  EXPECT_EQ(runs, 0);
}

TEST_F(UnaryCallTest, ATicketIsGivenBackBeforeACallEndsThatIsNotRun) {
  ASSERT_TRUE(queue_.TryPush([this] { release_.WaitForNotification(); }));
  absl::Notification ended;
  bool ended_first = true;
  const auto give_back = [&](int*) { ended_first = ended.WaitForNotificationWithTimeout(absl::Seconds(1)); };
  static int admission = 0;
  Serve(std::make_unique<TicketService>(queue_, std::shared_ptr<void>(&admission, give_back)));
  v1::Dataset response;
  EXPECT_EQ(Call(std::chrono::milliseconds(500), response).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  std::thread shutdown([&] {
    server_->Shutdown();
    ended.Notify();
  });
  release_.Notify();
  shutdown.join();
  EXPECT_FALSE(ended_first);
}

}  // namespace
}  // namespace mae
