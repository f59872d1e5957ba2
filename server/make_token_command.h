#pragma once

#include <CLI/App.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace mae {

/// How long from now on: "12h", "90d", "52w". INVALID_ARGUMENT for anything else, or more than 100 years.
/// Pure.
absl::StatusOr<absl::Duration> ParseAge(const std::string& text);

/// `mae_server make-token --name N --role R [--expires 90d]`: prints a new token, and below it the entry for
/// the file of auth.tokens. Starts no server. Not thread-safe.
class MakeTokenCommand {
 public:
  /// Adds itself to `app`, which outlives it.
  explicit MakeTokenCommand(CLI::App& app);
  bool is_asked_for() const { return command_->parsed(); }
  /// The program's exit code.
  int Run() const;

 private:
  CLI::App* const command_;
  std::string name_, role_, expires_;
};

}  // namespace mae
