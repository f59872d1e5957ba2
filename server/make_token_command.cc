#include "server/make_token_command.h"

#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "server/token_table.h"

namespace mae {
namespace {

constexpr int kUsage = 2;
constexpr int64_t kMostHours = 100LL * 365 * 24;

absl::StatusOr<FreshToken> MakeFrom(const std::string& name, const std::string& role,
                                    const std::string& expires) {
  if (expires.empty()) return MakeToken(name, role, absl::InfiniteFuture());
  MAE_ASSIGN_OR_RETURN(const absl::Duration age, ParseAge(expires));
  return MakeToken(name, role, absl::Now() + age);
}

}  // namespace

absl::StatusOr<absl::Duration> ParseAge(const std::string& text) {
  const char unit = text.empty() ? ' ' : text.back();
  const int64_t hours = unit == 'h' ? 1 : unit == 'd' ? 24 : unit == 'w' ? 7 * 24 : 0;
  int64_t number = 0;
  if (hours > 0 && absl::SimpleAtoi(text.substr(0, text.size() - 1), &number) && number > 0 &&
      number <= kMostHours / hours)
    return absl::Hours(hours * number);
  return absl::InvalidArgumentError(
      absl::StrCat("--expires: '", text, "'; give hours, days or weeks, as 90d"));
}

MakeTokenCommand::MakeTokenCommand(CLI::App& app)
    : command_(app.add_subcommand("make-token", "Print a new bearer token, and its entry for auth.tokens")) {
  command_->add_option("--name", name_, "whose it is, in audit.log: a-z, 0-9, '.', '_', '-'")->required();
  command_->add_option("--role", role_, "viewer, inference, operator or admin")->required();
  command_->add_option("--expires", expires_,
                       "how long it is good for: 12h, 90d, 52w; for ever if not given");
}

int MakeTokenCommand::Run() const {
  const auto made = MakeFrom(name_, role_, expires_);
  if (!made.ok()) {
    std::cerr << "mae_server make-token: " << made.status().message() << "\n";
    return kUsage;
  }
  std::cout << made->token << "\n" << made->entry << std::flush;
  std::cerr
      << "The first line is the token, for its owner alone: it can't be had again. Append the others to the "
         "file of auth.tokens, and send the server SIGHUP.\n";
  return 0;
}

}  // namespace mae
