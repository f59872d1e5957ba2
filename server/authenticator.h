#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/caller.h"
#include "server/token_table.h"

namespace mae {

/// What a call shows of who makes it; lives as long as the strings that it views.
struct Credentials {
  std::vector<std::string_view> authorization;  ///< every header of that name
  std::vector<std::string_view> certificate;    ///< names in a client certificate that has been verified
};

/// Tells who calls, by a bearer token, or else by a client certificate. Thread-safe; no call waits.
class Authenticator {
 public:
  struct Settings {
    std::filesystem::path tokens;              ///< empty: no tokens
    std::map<std::string, Role> certificates;  ///< by common name, DNS or URI name
  };

  /// Reads the tokens. FAILED_PRECONDITION, NOT_FOUND or INVALID_ARGUMENT for a file that can't be used, or
  /// has no entry: a server without it must not start.
  static absl::StatusOr<std::unique_ptr<Authenticator>> Open(Settings settings);

  /// Reads the tokens again; on an error those of before stay. `[]` is none: it takes the last one away.
  /// Blocks on the disk.
  absl::Status Reload() ABSL_LOCKS_EXCLUDED(mutex_);

  /// @return UNAUTHENTICATED in the same words for whatever is not right: no token, an unknown or expired
  /// one, more than one, a certificate whose names have no role. A token that is there is what counts.
  absl::StatusOr<Caller> Authenticate(const Credentials& credentials) const ABSL_LOCKS_EXCLUDED(mutex_);

  /// Likewise of a token alone.
  absl::StatusOr<Caller> OfToken(std::string_view token) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit Authenticator(Settings settings) : settings_(std::move(settings)) {}
  absl::StatusOr<TokenTable> Read() const;
  void Take(TokenTable table) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Caller> OfCertificate(const std::vector<std::string_view>& names) const;

  const Settings settings_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const TokenTable> tokens_ ABSL_GUARDED_BY(mutex_) = std::make_shared<TokenTable>();
};

}  // namespace mae
