#pragma once

#include <string>
#include <vector>

namespace mae {

/// What a trainer inherits of its server's environment: what finds programs, libraries and folders, and what
/// sets up threads, GPUs, networks of ranks and a Slurm allocation. All else stays with the server, which may
/// have been given secrets so. Pure.
/// @param environment "NAME=value" each.
std::vector<std::string> TrainerEnvironment(const std::vector<std::string>& environment);

/// Of this process, now. Not while another thread changes it.
std::vector<std::string> TrainerEnvironment();

}  // namespace mae
