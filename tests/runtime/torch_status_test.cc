#include "runtime/torch_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <memory>
#include <stdexcept>

namespace mae {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(CatchTorch, ResultsPassThrough) {
  EXPECT_EQ(*CatchTorch("sum", [] { return 3; }), 3);
  EXPECT_EQ(*CatchTorch("sum", [] { return absl::StatusOr<int>(4); }), 4);
  EXPECT_TRUE(CatchTorch("sum", [] {}).ok());
  EXPECT_TRUE(CatchTorch("sum", [] { return absl::OkStatus(); }).ok());
  EXPECT_EQ(**CatchTorch("sum", [] { return std::make_unique<int>(5); }), 5);
}

TEST(CatchTorch, StatusesPassThrough) {
  EXPECT_EQ(CatchTorch("x", [] { return absl::NotFoundError("gone"); }), absl::NotFoundError("gone"));
  EXPECT_EQ(CatchTorch("x", [] { return absl::StatusOr<int>(absl::NotFoundError("gone")); }).status(),
            absl::NotFoundError("gone"));
}

TEST(CatchTorch, TorchErrorIsInternalWithItsWordsAndNoBacktrace) {
  const auto status = CatchTorch("product", [] {
    return torch::matmul(torch::ones({2, 3}), torch::ones({2, 3}));
  });
  EXPECT_EQ(status.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.status().message()), StartsWith("product: "));
  EXPECT_THAT(std::string(status.status().message()), HasSubstr("2x3"));
  EXPECT_THAT(std::string(status.status().message()), Not(HasSubstr("frame #")));
}

TEST(CatchTorch, MemoryThatRanOutIsResourceExhaustedWithRemedy) {
  for (const auto& status : {CatchTorch("a", [] { torch::empty({int64_t{1} << 50}); }),
                             CatchTorch("b", [] { throw std::bad_alloc(); }), CatchTorch("c", [] {
                               TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory");
                             })}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("smaller batch"));
  }
}

TEST(CatchTorch, OtherExceptionsAreInternal) {
  const auto known = CatchTorch("step", [] { throw std::runtime_error("odd"); });
  EXPECT_EQ(known, absl::InternalError("step: odd"));
  EXPECT_EQ(CatchTorch("step", [] { throw 7; }).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace mae
