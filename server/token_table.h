#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/caller.h"

namespace mae {

/// A bearer token as the file of auth.tokens has it: its hash alone, so that who reads the file can't call.
struct TokenEntry {
  Caller caller;
  std::string sha256;                           ///< of the token's characters, 64 lower-case hex digits
  absl::Time expires = absl::InfiniteFuture();  ///< from then on it is none
};

/// The tokens of a server. A value that does not change; thread-safe.
///
///   - name: ci                        # whose calls these are, in audit.log: [a-z0-9][a-z0-9._-]{0,62}
///     role: operator                  # viewer, inference, operator or admin
///     sha256: 64 hex digits
///     expires: 2026-12-31T00:00:00Z   # RFC 3339; may be left out
class TokenTable {
 public:
  static constexpr size_t kMostTokens = 1000;

  /// @param source named in errors.
  /// @return INVALID_ARGUMENT with the line and the key at fault; also for a file without a list, for two
  /// entries with the same hash, and for a name that has two roles. The list `[]` is one: nobody. Pure.
  static absl::StatusOr<TokenTable> Parse(const std::string& yaml, const std::string& source);

  /// Whose token it is; nothing for one that is unknown or has expired. Takes as long whichever it is: every
  /// entry is compared, each in constant time.
  std::optional<Caller> Find(std::string_view token, absl::Time now) const;

  const std::vector<TokenEntry>& entries() const { return entries_; }

 private:
  std::vector<TokenEntry> entries_;
};

/// A token nobody has had before, and the entry of it.
struct FreshToken {
  std::string token;  ///< "mae_" and 32 random bytes, base64url
  std::string entry;  ///< YAML for the file of auth.tokens
};

/// INVALID_ARGUMENT for a name or role that there can't be. Thread-safe.
absl::StatusOr<FreshToken> MakeToken(const std::string& name, const std::string& role, absl::Time expires);

}  // namespace mae
