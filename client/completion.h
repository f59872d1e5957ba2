#pragma once

#include <CLI/App.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace mae {

/// A script that teaches a shell (bash, zsh or fish) the verbs and options of the app, the names of built-in
/// recipes after
/// --recipe, and files elsewhere. INVALID_ARGUMENT for another shell.
absl::StatusOr<std::string> CompletionScript(const std::string& shell, const CLI::App& app);

}  // namespace mae
