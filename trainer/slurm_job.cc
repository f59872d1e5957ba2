#include "trainer/slurm_job.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "trainer/child_process.h"
#include "trainer/command_output.h"
#include "trainer/run_job.h"

namespace mae {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30), kCancelPatience = absl::Minutes(2);

// Two servers may name their jobs alike.
std::string NameOf(const JobFolder& folder) {
  return absl::StrCat("mae-", folder.root().filename().string(), "-",
                      Sha256Hex(folder.root().string()).substr(0, 8));
}

// As one word of a shell.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// A rank knows its number on its node and how many there are, as torchrun tells it; the first node is where
// they meet.
constexpr char kScript[] = R"(#!/bin/bash
# Written by mae_trainer: the ranks of a job. Standard output goes to the job's trainer.log.
set -euo pipefail
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_ADDR=$(scontrol show node -o "$first" | grep -o 'NodeAddr=[^ ]*' | cut -d= -f2)
export MASTER_ADDR MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000)) WORLD_SIZE=$SLURM_NTASKS
export %LOCKED%
exec srun --kill-on-bad-exit=1 --cpu-bind=none bash -c '
  on_node=${SLURM_STEP_TASKS_PER_NODE%%[x(,]*}
  export RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID
  export LOCAL_WORLD_SIZE=$((on_node > SLURM_LOCALID ? on_node : SLURM_LOCALID + 1))
  exec "$@"' rank %COMMAND%
)";

std::string Script() {
  std::vector<std::string> words;
  for (const std::string& word : OwnCommandLine()) words.push_back(Quoted(word));
  return absl::StrReplaceAll(kScript,
                             {{"%COMMAND%", absl::StrJoin(words, " ")}, {"%LOCKED%", kFolderIsLocked}});
}

std::vector<std::string> SbatchArguments(const JobFolder& folder, const JobOptions& options,
                                         const std::filesystem::path& script) {
  std::vector<std::string> arguments = {
      "sbatch",
      "--parsable",
      "--hold",
      "--no-requeue",
      "--open-mode=append",
      absl::StrCat("--job-name=", NameOf(folder)),
      absl::StrCat("--ntasks=", options.processes),
      absl::StrCat("--output=", absl::StrReplaceAll(folder.log().string(), {{"%", "%%"}})),
      absl::StrCat("--chdir=", std::filesystem::current_path().string())};
  if (options.threads > 0) {
    arguments.push_back(
        absl::StrCat("--cpus-per-task=", std::max<int64_t>(options.threads / options.processes, 1)));
  }
  if (absl::StartsWith(options.device, "cuda")) {
    arguments.insert(arguments.end(), {"--gpus-per-task=1", "--gpu-bind=none"});
  }
  arguments.push_back(script.string());
  return arguments;
}

absl::StatusOr<std::vector<std::string>> LeftoversOf(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(
      const std::string ids,
      OutputOf({"squeue", "--noheader", "--me", absl::StrCat("--name=", NameOf(folder)), "--format=%A"},
               kPatience));
  return std::vector<std::string>(absl::StrSplit(ids, absl::ByAnyChar(" \n"), absl::SkipEmpty()));
}

}  // namespace

std::filesystem::path SlurmScript(const JobFolder& folder) { return folder.root() / "slurm.sh"; }

absl::StatusOr<SlurmJob> SlurmJob::Submit(const JobFolder& folder, const JobOptions& options) {
  const std::filesystem::path script = SlurmScript(folder);
  MAE_RETURN_IF_ERROR(WriteFileDurably(script, Script()));
  MAE_ASSIGN_OR_RETURN(const std::string printed,
                       OutputOf(SbatchArguments(folder, options, script), kPatience));
  // "ID" or "ID;CLUSTER".
  const std::vector<std::string> parts = absl::StrSplit(absl::StripAsciiWhitespace(printed), ';');
  int64_t number = 0;
  if (!absl::SimpleAtoi(parts[0], &number)) {
    return absl::InternalError(absl::StrCat("sbatch printed \"", printed, "\" and no job's number"));
  }
  return SlurmJob(absl::StrCat(number));
}

absl::Status SlurmJob::CancelLeftovers(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(std::vector<std::string> ids, LeftoversOf(folder));
  const absl::Time deadline = absl::Now() + kCancelPatience;
  for (const std::string& id : ids) MAE_RETURN_IF_ERROR(SlurmJob(id).Cancel());
  while (!ids.empty()) {
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("Slurm job ", ids[0], " of an earlier run does not end; cancel it, then resume"));
    }
    absl::SleepFor(absl::Milliseconds(200));
    MAE_ASSIGN_OR_RETURN(ids, LeftoversOf(folder));
  }
  return absl::OkStatus();
}

absl::Status SlurmJob::Release() const { return OutputOf({"scontrol", "release", id_}, kPatience).status(); }

absl::StatusOr<std::string> SlurmJob::Field(const std::string& name) const {
  const auto shown = OutputOf({"scontrol", "show", "job", "-o", id_}, kPatience);
  if (!shown.ok() && absl::StrContains(shown.status().message(), "Invalid job id"))
    return std::string("GONE");
  MAE_RETURN_IF_ERROR(shown.status());
  for (const auto field : absl::StrSplit(*shown, ' ')) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(field, absl::MaxSplits('=', 1));
    if (pair.first == name) return pair.second;
  }
  return absl::InternalError(absl::StrCat("scontrol shows no ", name, " of job ", id_));
}

absl::StatusOr<std::string> SlurmJob::State() const { return Field("JobState"); }
absl::StatusOr<std::string> SlurmJob::Reason() const { return Field("Reason"); }

absl::Status SlurmJob::Stop() const {
  MAE_ASSIGN_OR_RETURN(const std::string state, State());
  if (state == "PENDING") return Cancel();
  return OutputOf({"scancel", "--signal=TERM", id_}, kPatience).status();
}

absl::Status SlurmJob::Cancel() const { return OutputOf({"scancel", id_}, kPatience).status(); }

bool HasEndedInSlurm(const std::string& state) {
  static const auto* const going = new std::vector<std::string>{
      "PENDING",   "CONFIGURING", "RUNNING",  "COMPLETING",   "SUSPENDED",     "STOPPED",     "SIGNALING",
      "STAGE_OUT", "RESIZING",    "REQUEUED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"};
  return std::find(going->begin(), going->end(), state) == going->end();
}

}  // namespace mae
