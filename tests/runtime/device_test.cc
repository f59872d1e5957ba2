#include "runtime/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <torch/torch.h>

#include <fstream>
#include <sstream>

namespace mae {
namespace {

using ::testing::HasSubstr;

TEST(Device, TheCpuComesFirstWithItsMemory) {
  const auto devices = ListDevices();
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0].name, "cpu");
  EXPECT_THAT(devices[0].description, HasSubstr("cores"));
  EXPECT_GT(devices[0].memory_bytes, int64_t{1} << 26);
}

TEST(Device, EveryListedDeviceResolvesToItself) {
  for (const auto& device : ListDevices()) {
    const auto resolved = ResolveDevice(device.name);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_EQ(*resolved, device.name);
    EXPECT_TRUE(torch::ones({1}, torch::Device(*resolved)).item<float>() == 1.0F);
  }
}

TEST(Device, AutoPrefersAcceleratorElseCpu) {
  const auto resolved = ResolveDevice("auto");
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(*resolved, torch::cuda::is_available() ? "cuda:0" : "cpu");
}

TEST(Device, AbsentDeviceIsRefusedNamingThoseThatAreThere) {
  const auto resolved = ResolveDevice("cuda:4096");
  EXPECT_EQ(resolved.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(resolved.status().message()), HasSubstr("cuda:4096"));
  EXPECT_THAT(std::string(resolved.status().message()), HasSubstr("can use: cpu"));
}

TEST(Device, UnknownWordsAreRefusedNamingTheChoices) {
  for (const char* word : {"", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda: 0", "cuda:1x", "CUDA"}) {
    const auto resolved = ResolveDevice(word);
    EXPECT_EQ(resolved.status().code(), absl::StatusCode::kInvalidArgument) << word;
    EXPECT_THAT(std::string(resolved.status().message()), HasSubstr("auto, cpu, cuda, cuda:N")) << word;
  }
}

TEST(Device, ThreadsAreThoseAskedForOrEveryUsableCore) {
  const int before = at::get_num_threads();
  SetComputeThreads(1);
  EXPECT_EQ(at::get_num_threads(), 1);
  SetComputeThreads(0);
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  EXPECT_EQ(at::get_num_threads(), CPU_COUNT(&set));
  SetComputeThreads(before);
}

TEST(Device, TheCpuHasFastBf16IfTheKernelListsTheInstructions) {
  std::stringstream cpuinfo;
  cpuinfo << std::ifstream("/proc/cpuinfo").rdbuf();
  EXPECT_EQ(HasFastBf16("cpu"), cpuinfo.str().find("avx512_bf16") != std::string::npos);
  EXPECT_TRUE(HasFastBf16("cuda:0"));
}

TEST(Device, VersionIsThatOfTheHeaders) { EXPECT_EQ(LibTorchVersion(), TORCH_VERSION); }

}  // namespace
}  // namespace mae
