#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tests/fakes/test_authority.h"
#include "tests/server/server_fixture.h"

namespace mae {

/// What one raw call came to.
struct RawAnswer {
  grpc::Status status;
  std::string bytes;  ///< of the first message of the answer
};

/// Makes a call of any method by its path, streams too: sends one message and takes one, then lets go.
/// @param authorizations a header each.
RawAnswer CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                  const std::vector<std::string>& authorizations, const std::string& request = "");

/// A server whose callers are asked who they are; and callers.
class AccessTest : public ServerTest {
 protected:
  static constexpr const char* kHost = "mae.test";  // the server's certificate is for it

  /// Adds tokens to the file of auth.tokens, which only its owner may read. Gives the header that has it.
  std::string AddToken(const std::string& name, const std::string& role,
                       absl::Time expires = absl::InfiniteFuture());
  void WriteSecret(const std::string& name, const std::string& text) const;
  std::string TokensPath() const { return temp_ / "tokens.yaml"; }

  /// Settings of the tokens above.
  std::vector<std::string> TokenSettings() const;
  /// Writes certificate and key of the server; the settings of them.
  std::vector<std::string> TlsSettings(const IssuedCertificate& issued) const;

  /// @param shown a client's certificate; null: none.
  std::shared_ptr<grpc::Channel> TlsChannel(const IssuedCertificate* shown = nullptr) const;

  /// The code of ListJobs.
  static grpc::StatusCode CodeOfList(const std::shared_ptr<grpc::Channel>& channel,
                                     const std::vector<std::string>& authorizations);

  const TestAuthority authority_;

 private:
  std::string tokens_;
};

}  // namespace mae
