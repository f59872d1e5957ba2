#include "job/trainer_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Variables = std::vector<std::string>;

TEST(TrainerEnvironment, KeepsWhatFindsThingsAndSetsUpTheMachine) {
  const Variables needed = {"PATH=/bin",
                            "HOME=/root",
                            "TZ=UTC",
                            "LD_LIBRARY_PATH=/opt",
                            "OMP_NUM_THREADS=2",
                            "GOMP_SPINCOUNT=0",
                            "CUDA_VISIBLE_DEVICES=0",
                            "NCCL_DEBUG=INFO",
                            "GLOO_SOCKET_IFNAME=lo",
                            "FI_PROVIDER=efa",
                            "UCX_NET_DEVICES=mlx5_0:1",
                            "MASTER_ADDR=127.0.0.1",
                            "MASTER_PORT=1",
                            "WORLD_SIZE=2",
                            "SLURM_JOB_ID=7",
                            "SBATCH_PARTITION=long",
                            "LC_ALL=C"};
  EXPECT_EQ(TrainerEnvironment(needed), needed);
}

TEST(TrainerEnvironment, LeavesAllElseWithTheServer) {
  EXPECT_THAT(TrainerEnvironment(Variables{"MAE_TOKEN_FILE=/t", "AWS_SECRET_ACCESS_KEY=x", "GITHUB_TOKEN=x",
                                           "MY_PASSWORD=x", "SSH_AUTH_SOCK=/s", "PATHS=x", "http_proxy=x"}),
              IsEmpty());
}

TEST(TrainerEnvironment, AFamilyThatIsKeptMayHaveASecretMemberWhichIsNot) {
  EXPECT_THAT(TrainerEnvironment(Variables{"SLURM_JWT=x", "SLURM_JOB_ID=7", "NVIDIA_API_KEY=x"}),
              ElementsAre("SLURM_JOB_ID=7"));
}

}  // namespace
}  // namespace mae
