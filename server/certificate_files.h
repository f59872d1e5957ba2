#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mae {

/// Where gRPC tells the names of a client certificate that it has verified.
inline constexpr std::array kCertificateNames = {"x509_common_name", "peer_dns", "peer_uri"};

/// What TLS needs, as PEM; key and certificate fit.
struct CertificateSet {
  std::string certificate;  ///< and what signed it, up to an authority that clients know
  std::string key;
  std::string client_ca;         ///< empty: clients show no certificate
  absl::Time expires;            ///< of the certificate
  absl::Time client_ca_expires;  ///< of the first of the authorities to end; InfiniteFuture: there is none
};

/// The files of tls.certificate, tls.key and tls.client_ca, which may be replaced while the server runs: they
/// are looked at again on Reload, and at a handshake or LookIfDue ten seconds or more after the last look.
/// What can't be used (half written, a key that does not fit or is too weak for TLS) is told in the log, and
/// what was there stays. Thread-safe.
class CertificateFiles {
 public:
  struct Paths {
    std::filesystem::path certificate, key, client_ca;  ///< client_ca empty: clients show none
  };

  /// @return FAILED_PRECONDITION, INVALID_ARGUMENT or NOT_FOUND, naming the setting and the file at fault.
  static absl::StatusOr<std::unique_ptr<CertificateFiles>> Open(
      Paths paths, absl::Duration between_looks = absl::Seconds(10));

  /// Looks now. The error of files that can't be used, which is in the log then. Blocks on the disk.
  absl::Status Reload() ABSL_LOCKS_EXCLUDED(looking_, mutex_);

  /// Looks if the last look was long ago, so that what is told of a server without handshakes is right.
  void LookIfDue() ABSL_LOCKS_EXCLUDED(looking_, mutex_);

  /// For gRPC's handshakes: what came after the last call of this; null if nothing did.
  std::shared_ptr<const CertificateSet> TakeNewer() ABSL_LOCKS_EXCLUDED(looking_, mutex_);

  /// What is in use.
  std::shared_ptr<const CertificateSet> Current() const ABSL_LOCKS_EXCLUDED(mutex_);

  bool asks_clients() const { return !paths_.client_ca.empty(); }

 private:
  CertificateFiles(Paths paths, absl::Duration between_looks)
      : paths_(std::move(paths)), between_looks_(between_looks) {}
  absl::StatusOr<CertificateSet> Read() const;
  absl::Status ReadOwn(CertificateSet& set) const;
  absl::Status ReadClientCa(CertificateSet& set) const;

  const Paths paths_;
  const absl::Duration between_looks_;
  // Held while files are read and taken: else what was read first could take the place of what came later.
  absl::Mutex looking_ ABSL_ACQUIRED_BEFORE(mutex_);
  mutable absl::Mutex mutex_;
  std::shared_ptr<const CertificateSet> current_ ABSL_GUARDED_BY(mutex_);
  bool is_taken_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time next_look_ ABSL_GUARDED_BY(mutex_);
  std::string told_ ABSL_GUARDED_BY(mutex_);  // the last error, so that it is told once
};

}  // namespace mae
