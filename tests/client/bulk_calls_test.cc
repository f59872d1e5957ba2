// How classify, embed and reconstruct send many pictures: calls that are under way together, and pictures
// left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "image/codec.h"
#include "image/image_header.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Le;

std::string SquarePng(int64_t side) {
  return EncodePng(Picture{side, side, 1, std::vector<uint8_t>(static_cast<size_t>(side * side))}).value();
}

std::vector<std::string> FilesIn(const std::string& json) {
  std::vector<std::string> names;
  for (const auto& row : nlohmann::json::parse(json))
    names.push_back(std::filesystem::path(row["file"].get<std::string>()).filename());
  return names;
}

template <typename Request>
int64_t PixelsIn(const Request& request) {
  int64_t pixels = 0;
  for (const v1::Image& image : request.images()) {
    const auto header = ReadImageHeader(image.encoded());
    if (header.ok()) pixels += header->width * header->height;
  }
  return pixels;
}

void AnswerAll(const v1::ClassifyRequest& request, v1::ClassifyResponse& response) {
  for (int i = 0; i < request.images_size(); ++i) response.add_classifications()->add_scores();
}

/// The calls that a server sees at a time. Thread-safe.
class Traffic {
 public:
  /// @return how many are under way, this one among them.
  int Enter(const v1::ClassifyRequest& request) {
    const absl::MutexLock lock(&mutex_);
    sizes_.push_back(request.images_size());
    pixels_ += PixelsIn(request);
    most_pixels_ = std::max(most_pixels_, pixels_);
    most_ = std::max(most_, ++under_way_);
    return under_way_;
  }
  void Leave(const v1::ClassifyRequest& request) {
    const absl::MutexLock lock(&mutex_);
    --under_way_;
    pixels_ -= PixelsIn(request);
  }
  /// Until so many have come; false if they have not after a time that none that works needs.
  bool WaitForCalls(size_t calls) {
    const absl::MutexLock lock(&mutex_);
    const auto came = [this, calls]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return sizes_.size() >= calls; };
    return mutex_.AwaitWithTimeout(absl::Condition(&came), absl::Seconds(20));
  }
  std::vector<int> sizes() const {
    const absl::MutexLock lock(&mutex_);
    return sizes_;
  }
  int most() const {
    const absl::MutexLock lock(&mutex_);
    return most_;
  }
  int64_t most_pixels() const {
    const absl::MutexLock lock(&mutex_);
    return most_pixels_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<int> sizes_ ABSL_GUARDED_BY(mutex_);  ///< images of each call that came
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0, most_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t pixels_ ABSL_GUARDED_BY(mutex_) = 0, most_pixels_ ABSL_GUARDED_BY(mutex_) = 0;
};

class BulkCallsTest : public testing::Test {
 protected:
  std::vector<std::string> Files(int count, const std::string& content) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) {
      names.push_back(absl::StrFormat("%03d.png", i));
      std::ofstream(folder_ / names.back()) << content;
    }
    return names;
  }
  /// Classifies, none before `together` calls have come.
  std::unique_ptr<FakeServer> ServerThatWaitsFor(size_t together, int64_t max_pixels) {
    Script script;
    script.info.mutable_limits()->set_max_images_per_request(64);
    script.info.mutable_limits()->set_max_request_pixels(max_pixels);
    script.classify = [this, together](const auto&, const auto& request, auto& response) {
      traffic_.Enter(request);
      const bool came = traffic_.WaitForCalls(together);
      traffic_.Leave(request);
      AnswerAll(request, response);
      return came ? grpc::Status::OK : grpc::Status(grpc::StatusCode::INTERNAL, "no further call came");
    };
    return std::make_unique<FakeServer>(std::move(script));
  }
  ClientResult Classify(const FakeServer& server) {
    return RunClient({"classify", folder_.path(), "--model", "c", "-o", "json"},
                     {.server = server.address()});
  }

  TempFolder folder_;
  Traffic traffic_;
};

TEST_F(BulkCallsTest, ManyPicturesAreSentInSmallCallsOfWhichFourAreUnderWay) {
  const auto names = Files(330, "x");
  const auto server = ServerThatWaitsFor(4, 0);
  const ClientResult result = Classify(*server);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(FilesIn(result.out), names);
  EXPECT_EQ(traffic_.sizes().size(), 21U);
  EXPECT_THAT(traffic_.sizes(), Each(Le(16)));
  EXPECT_EQ(traffic_.most(), 4);
}

TEST_F(BulkCallsTest, FourCallsTogetherHaveNoMorePixelsThanTheServerTakes) {
  const auto names = Files(40, SquarePng(8));
  const auto server = ServerThatWaitsFor(4, 8 * 64);
  const ClientResult result = Classify(*server);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(FilesIn(result.out), names);
  EXPECT_THAT(traffic_.sizes(), Each(2));
  EXPECT_EQ(traffic_.most(), 4);
}

TEST_F(BulkCallsTest, FewerCallsAreUnderWayWhereTheirPicturesAreLarge) {
  const auto names = Files(20, SquarePng(16));
  const auto server = ServerThatWaitsFor(2, 2 * 256 + 10);
  const ClientResult result = Classify(*server);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(FilesIn(result.out), names);
  EXPECT_EQ(traffic_.most(), 2);
  EXPECT_EQ(traffic_.most_pixels(), 2 * 256);
}

TEST_F(BulkCallsTest, CallsRefusedBecauseOfOneAnotherAreSentOnceMoreByThemselves) {
  const auto names = Files(112, "x");
  absl::Mutex mutex;
  int refused = 0;
  Script script;
  // Room for one; the first is answered once the others of its time were refused.
  script.classify = [&](const auto&, const auto& request, auto& response) {
    if (traffic_.Enter(request) > 1) {
      traffic_.Leave(request);
      const absl::MutexLock lock(&mutex);
      ++refused;
      return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "16 images wait for this model");
    }
    {
      const absl::MutexLock lock(&mutex);
      const auto all = [&] { return refused >= 3; };
      mutex.AwaitWithTimeout(absl::Condition(&all), absl::Seconds(20));
    }
    traffic_.Leave(request);
    AnswerAll(request, response);
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = Classify(server);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(FilesIn(result.out), names);
  EXPECT_EQ(refused, 3) << "one by one from then on";
}

TEST_F(BulkCallsTest, ACallThatIsRefusedByItselfEndsTheRun) {
  Files(3, "x");
  Script script;
  script.classify = [this](const auto&, const auto& request, auto&) {
    traffic_.Enter(request);
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "4096 images wait for this model");
  };
  FakeServer server(std::move(script));
  const ClientResult result = Classify(server);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("4096 images wait"));
  EXPECT_THAT(traffic_.sizes(), ElementsAre(3, 3));
}

/// Refuses what is called bad, as the server does: the first of a request.
template <typename Request>
grpc::Status CheckPictures(const Request& request) {
  for (int i = 0; i < request.images_size(); ++i) {
    if (request.images(i).encoded() == "bad")
      return Violations({{absl::StrCat("images[", i, "]"), "is no picture"}}, "the request is wrong");
  }
  return grpc::Status::OK;
}

/// Of each verb that reads pictures.
class KeepGoingTest : public testing::TestWithParam<std::string> {
 protected:
  KeepGoingTest() {
    Script script;
    script.classify = [](const auto&, const auto& request, auto& response) {
      AnswerAll(request, response);
      return CheckPictures(request);
    };
    script.reconstruct = [](const auto&, const auto& request, auto& response) {
      for (int i = 0; i < request.images_size(); ++i) response.add_reconstructions()->set_loss(0.25);
      return CheckPictures(request);
    };
    script.embed = [](const auto&, const auto& request, auto& response) {
      const std::vector<float> zeros(static_cast<size_t>(2 * request.images_size()));
      response.mutable_embeddings()->add_shape(request.images_size());
      response.mutable_embeddings()->add_shape(2);
      response.mutable_embeddings()->set_data(zeros.data(), zeros.size() * sizeof(float));
      return CheckPictures(request);
    };
    server_ = std::make_unique<FakeServer>(std::move(script));
  }
  void Write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name) << content;
  }
  ClientResult Run(const std::vector<std::string>& further) {
    std::vector<std::string> arguments = {GetParam(), folder_.path(), "--model", "c", "-o", "json"};
    arguments.insert(arguments.end(), further.begin(), further.end());
    return RunClient(arguments, {.server = server_->address()});
  }

  TempFolder folder_, out_;
  std::unique_ptr<FakeServer> server_;
};

TEST_P(KeepGoingTest, GoesOnWithoutPicturesThatCanNotBeUsedWhereToldTo) {
  for (const char* name : {"a.png", "b.png", "c.png"}) Write(name, "good");
  for (const char* name : {"b2.png", "b3.png"}) Write(name, "bad");
  Write("d.png", "");
  const ClientResult stops = Run({});
  EXPECT_EQ(stops.exit_code, 1);
  EXPECT_EQ(stops.out, "");
  const ClientResult goes_on = Run({"--keep-going"});
  EXPECT_EQ(goes_on.exit_code, 1);
  for (const char* name :
       {"b2.png: is no picture", "b3.png: is no picture", "d.png: empty", "3 pictures were left out"})
    EXPECT_THAT(goes_on.err, HasSubstr(name));
  EXPECT_THAT(FilesIn(goes_on.out), ElementsAre("a.png", "b.png", "c.png"));
}

TEST_P(KeepGoingTest, WithNoneLeftTheListIsEmptyAndNoFileIsWritten) {
  Write("a.png", "bad");
  Write("b.png", "");
  std::vector<std::string> arguments = {"--keep-going"};
  const std::filesystem::path written = out_ / "all.npy";
  if (GetParam() != "classify") arguments.insert(arguments.end(), {"--out", written.string()});
  const ClientResult result = Run(arguments);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(written));
  EXPECT_EQ(result.out, "[]\n");
  EXPECT_THAT(result.err, HasSubstr("2 pictures were left out"));
}

INSTANTIATE_TEST_SUITE_P(Verbs, KeepGoingTest, testing::Values("classify", "embed", "reconstruct"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace mae
