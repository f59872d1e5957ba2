#include "job/trainer_environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace mae {
namespace {

constexpr std::array<absl::string_view, 24> kNames = {"PATH",
                                                      "HOME",
                                                      "USER",
                                                      "LOGNAME",
                                                      "SHELL",
                                                      "PWD",
                                                      "LANG",
                                                      "LANGUAGE",
                                                      "TZ",
                                                      "TMPDIR",
                                                      "TMP",
                                                      "TEMP",
                                                      "TERM",
                                                      "HOSTNAME",
                                                      "LD_PRELOAD",
                                                      "LD_LIBRARY_PATH",
                                                      "RANK",
                                                      "WORLD_SIZE",
                                                      "LOCAL_RANK",
                                                      "LOCAL_WORLD_SIZE",
                                                      "MASTER_ADDR",
                                                      "MASTER_PORT",
                                                      "XDG_CACHE_HOME",
                                                      "LLVM_PROFILE_FILE"};

constexpr std::array<absl::string_view, 32> kFamilies = {
    "LC_",           "OMP_",    "GOMP_",   "KMP_",    "MKL_",    "ONEDNN_", "DNNL_",  "OPENBLAS_",
    "CUDA_",         "CUBLAS_", "CUDNN_",  "NVIDIA_", "NCCL_",   "GLOO_",   "TORCH_", "PYTORCH_",
    "TORCHELASTIC_", "SLURM_",  "SBATCH_", "SRUN_",   "SQUEUE_", "MUNGE_",  "PMI_",   "PMIX_",
    "FI_",           "UCX_",    "MALLOC_", "GCOV_",   "ASAN_",   "UBSAN_",  "LSAN_",  "TSAN_"};

// SLURM_JWT and its like.
constexpr std::array<absl::string_view, 8> kSecretWords = {"TOKEN",      "SECRET", "PASSWORD", "PASSWD",
                                                           "CREDENTIAL", "JWT",    "_KEY",     "COOKIE"};

bool IsInherited(absl::string_view variable) {
  const absl::string_view name = variable.substr(0, variable.find('='));
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return true;
  const auto begins = [&](absl::string_view family) { return absl::StartsWith(name, family); };
  const auto has = [&](absl::string_view word) { return absl::StrContains(name, word); };
  return std::any_of(kFamilies.begin(), kFamilies.end(), begins) &&
         std::none_of(kSecretWords.begin(), kSecretWords.end(), has);
}

}  // namespace

std::vector<std::string> TrainerEnvironment(const std::vector<std::string>& environment) {
  std::vector<std::string> inherited;
  for (const std::string& variable : environment) {
    if (IsInherited(variable)) inherited.push_back(variable);
  }
  return inherited;
}

std::vector<std::string> TrainerEnvironment() {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) all.emplace_back(*variable);
  return TrainerEnvironment(all);
}

}  // namespace mae
