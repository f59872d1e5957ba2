#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;

class InferTest : public testing::Test {
 protected:
  InferTest() {
    for (const char* name : {"a.png", "b.png", "c.png"}) std::ofstream(folder_ / name) << name;
  }
  TempFolder folder_;
};

// Several calls are under way at a time.
absl::Mutex seen_mutex;

/// Two classes, the first as likely as the server was asked for more.
Script Classifying(std::vector<v1::ClassifyRequest>& seen) {
  Script script;
  script.info.mutable_limits()->set_max_images_per_request(2);
  script.classify = [&seen](const auto&, const v1::ClassifyRequest& request, v1::ClassifyResponse& response) {
    const absl::MutexLock lock(&seen_mutex);
    seen.push_back(request);
    response.set_model_version("models/c/versions/2");
    for (int i = 0; i < request.images_size(); ++i) {
      v1::Classification* one = response.add_classifications();
      for (int k = 0; k < std::min(2, request.top_k()); ++k) {
        v1::ClassScore* score = one->add_scores();
        score->set_label(k == 0 ? "Ankle boot" : "Sneaker");
        score->set_probability(k == 0 ? 0.875F : 0.125F);
      }
      if (request.logits()) one->add_logits(1.5);
    }
    return grpc::Status::OK;
  };
  return script;
}

TEST_F(InferTest, ClassifyPrintsTheMostLikelyClass) {
  std::vector<v1::ClassifyRequest> seen;
  FakeServer server(Classifying(seen));
  const ClientResult result =
      RunClient({"classify", folder_.path(), "--model", "c@best"}, {.server = server.address()});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              HasSubstr(absl::StrCat((folder_ / "c.png").string(), "  Ankle boot       0.8750\n")));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].model(), "c@best");
  EXPECT_EQ(seen[0].top_k(), 1);
  std::sort(seen.begin(), seen.end(),
            [](const auto& a, const auto& b) { return a.images(0).encoded() < b.images(0).encoded(); });
  EXPECT_EQ(seen[0].images(1).encoded(), "b.png");
}

TEST_F(InferTest, ClassifyPrintsFurtherClassesNoMoreThanThereAre) {
  std::vector<v1::ClassifyRequest> seen;
  FakeServer server(Classifying(seen));
  const ClientResult result =
      RunClient({"classify", folder_ / "a.png", "--model", "c", "--top-k", "5", "--exact-size"},
                {.server = server.address()});
  EXPECT_THAT(result.out, HasSubstr("Ankle boot       0.8750  Sneaker       0.1250\n"));
  EXPECT_THAT(result.out, testing::Not(HasSubstr("LABEL 3")));
  server.Stop();
  EXPECT_TRUE(seen[0].exact_size());
}

TEST_F(InferTest, ATableHasNoLogits) {
  const ClientResult result = RunClient({"classify", folder_ / "a.png", "--model", "c", "--logits"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("-o json"));
}

TEST_F(InferTest, OptionsThatCanNotBeAreToldInWords) {
  const ClientResult none = RunClient({"classify", folder_ / "a.png", "--model", "c", "--top-k", "0"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("'0' is not a number of 1 or more"));
  const ClientResult pool = RunClient({"embed", folder_ / "a.png", "--model", "c", "--pool", "max"});
  EXPECT_EQ(pool.exit_code, 2);
  EXPECT_THAT(pool.err, HasSubstr("'max' is none of cls, mean, patch, token"));
  EXPECT_THAT(RunClient({"embed", "--help"}).out, testing::Not(HasSubstr("->")));
}

TEST_F(InferTest, ClassifyJsonHasLogitsWhereAskedFor) {
  std::vector<v1::ClassifyRequest> seen;
  FakeServer server(Classifying(seen));
  const auto json = nlohmann::json::parse(
      RunClient({"classify", folder_ / "a.png", "--model", "c", "--logits", "-o", "json"},
                {.server = server.address()})
          .out);
  EXPECT_EQ(json[0]["scores"][0]["label"], "Ankle boot");
  EXPECT_EQ(json[0]["logits"][0], 1.5);
}

TEST_F(InferTest, AModelWithoutAHeadIsRefused) {
  Script script;
  script.classify = [](const auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "models/m has no classification head");
  };
  FakeServer server(std::move(script));
  const ClientResult result =
      RunClient({"classify", folder_ / "a.png", "--model", "m"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no classification head"));
}

/// Embeds the i-th image of a batch as (i, 3, 4).
Script Embedding(std::vector<v1::EmbedRequest>& seen) {
  Script script;
  script.info.mutable_limits()->set_max_images_per_request(2);
  script.embed = [&seen](const auto&, const v1::EmbedRequest& request, v1::EmbedResponse& response) {
    const absl::MutexLock lock(&seen_mutex);
    seen.push_back(request);
    std::vector<float> values;
    for (int i = 0; i < request.images_size(); ++i)
      values.insert(values.end(), {static_cast<float>(i), 3, 4});
    response.mutable_embeddings()->add_shape(request.images_size());
    response.mutable_embeddings()->add_shape(3);
    response.mutable_embeddings()->set_data(values.data(), values.size() * sizeof(float));
    return grpc::Status::OK;
  };
  return script;
}

TEST_F(InferTest, EmbedWritesOneMatrixOfAllBatches) {
  std::vector<v1::EmbedRequest> seen;
  FakeServer server(Embedding(seen));
  const std::string out = folder_ / "all.npy";
  const ClientResult result =
      RunClient({"embed", folder_.path(), "--model", "m", "--pool", "token", "--l2-normalize", "--out", out},
                {.server = server.address()});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("a.png           3       5"));
  std::ifstream file(out, std::ios::binary);
  const std::string npy(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(npy, HasSubstr("'shape': (3, 3)"));
  float values[9];
  ASSERT_GE(npy.size(), sizeof(values));
  std::memcpy(values, npy.data() + npy.size() - sizeof(values), sizeof(values));
  EXPECT_THAT(values, testing::ElementsAre(0, 3, 4, 1, 3, 4, 0, 3, 4));
  EXPECT_EQ(seen[0].pool(), v1::EMBEDDING_POOL_TOKEN);
  EXPECT_TRUE(seen[0].l2_normalize());
}

TEST_F(InferTest, EmbedJsonHasTheVectors) {
  std::vector<v1::EmbedRequest> seen;
  FakeServer server(Embedding(seen));
  const auto json = nlohmann::json::parse(
      RunClient({"embed", folder_ / "a.png", "--model", "m", "-o", "json"}, {.server = server.address()})
          .out);
  EXPECT_EQ(json[0]["embedding"], nlohmann::json({0, 3, 4}));
}

/// Two patch tokens, (i, 1) and (i, 2), and two heads over a grid of 1 x 2.
Script Attending(std::vector<v1::EmbedRequest>& seen) {
  Script script;
  script.embed = [&seen](const auto&, const v1::EmbedRequest& request, v1::EmbedResponse& response) {
    const absl::MutexLock lock(&seen_mutex);
    seen.push_back(request);
    std::vector<float> tokens, weights;
    for (int i = 0; i < request.images_size(); ++i) {
      tokens.insert(tokens.end(), {static_cast<float>(i), 1, static_cast<float>(i), 2});
      weights.insert(weights.end(), {0.1F, 0.2F, 0.3F, static_cast<float>(i)});
      if (request.attention_pictures())
        response.add_attention_pictures()->set_panel("panel of " + std::to_string(i));
    }
    for (const int size : {request.images_size(), 2, 2}) response.mutable_embeddings()->add_shape(size);
    response.mutable_embeddings()->set_data(tokens.data(), tokens.size() * sizeof(float));
    if (!request.attention()) return grpc::Status::OK;
    for (const int size : {request.images_size(), 2, 1, 2}) response.mutable_attention()->add_shape(size);
    response.mutable_attention()->set_data(weights.data(), weights.size() * sizeof(float));
    return grpc::Status::OK;
  };
  return script;
}

TEST_F(InferTest, EmbedGivesPatchTokensAndWritesAttention) {
  std::vector<v1::EmbedRequest> seen;
  FakeServer server(Attending(seen));
  const std::string out = folder_ / "all.npy", maps = folder_ / "maps";
  const ClientResult result = RunClient({"embed", folder_.path(), "--model", "m", "--pool", "patch",
                                         "--exact-size", "--out", out, "--attention", maps, "-o", "json"},
                                        {.server = server.address()});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)[2]["embedding"], nlohmann::json({{2, 1}, {2, 2}}));
  const auto content = [](const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_THAT(content(out), HasSubstr("'shape': (3, 2, 2)"));
  EXPECT_EQ(content(maps + "/b.attention.png"), "panel of 1");
  const std::string npy = content(maps + "/b.attention.npy");
  EXPECT_THAT(npy, HasSubstr("'shape': (2, 1, 2)"));
  float values[4];
  ASSERT_GE(npy.size(), sizeof(values));
  std::memcpy(values, npy.data() + npy.size() - sizeof(values), sizeof(values));
  EXPECT_THAT(values, testing::ElementsAre(0.1F, 0.2F, 0.3F, 1));
  EXPECT_EQ(seen[0].pool(), v1::EMBEDDING_POOL_PATCHES);
  EXPECT_TRUE(seen[0].exact_size());
}

TEST_F(InferTest, EmbedAsksForNoAttentionUnlessToldTo) {
  std::vector<v1::EmbedRequest> seen;
  FakeServer server(Attending(seen));
  const ClientResult result =
      RunClient({"embed", folder_ / "a.png", "--model", "m", "--pool", "cls"}, {.server = server.address()});
  server.Stop();
  EXPECT_THAT(result.out, HasSubstr("2 x 2"));
  EXPECT_FALSE(seen[0].attention());
  EXPECT_FALSE(seen[0].attention_pictures());
  EXPECT_FALSE(seen[0].exact_size());
  EXPECT_EQ(seen[0].pool(), v1::EMBEDDING_POOL_TOKEN);
}

TEST_F(InferTest, EmbedRefusesAnotherSuffix) {
  EXPECT_EQ(RunClient({"embed", folder_ / "a.png", "--model", "m", "--out", "x.csv"}).exit_code, 2);
}

TEST_F(InferTest, AnAnswerOfAnotherSizeIsAnError) {
  Script script;
  script.classify = [](const auto&, const auto&, auto&) { return grpc::Status::OK; };
  script.embed = [](const auto&, const auto&, auto&) { return grpc::Status::OK; };
  FakeServer server(std::move(script));
  for (const char* verb : {"classify", "embed"}) {
    EXPECT_EQ(RunClient({verb, folder_ / "a.png", "--model", "m"}, {.server = server.address()}).exit_code,
              1);
  }
}

}  // namespace
}  // namespace mae
