#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "job/job_process.h"

namespace mae {

/// The program that this process runs, by its path, and the arguments that it was given: what another one of
/// its kind is started with. Read from /proc.
std::vector<std::string> OwnCommandLine();

/// A child that dies with its parent (PR_SET_PDEATHSIG), whatever ends that: start it from the thread that
/// lives as long as the process.
/// @param arguments the program's path first.
/// @param environment "NAME=value" each, in the place of those of the parent with the same name.
/// @return errors of fork; a program that can't be run ends with exit code 127.
absl::StatusOr<std::unique_ptr<JobProcess>> StartChild(const std::vector<std::string>& arguments,
                                                       const std::vector<std::string>& environment);

}  // namespace mae
