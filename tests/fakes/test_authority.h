#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace mae {

/// A certificate and its private key, PEM.
struct IssuedCertificate {
  std::string certificate, key;
};

/// What a certificate is to say. Empty: not said.
struct CertificateWish {
  std::string common_name = {}, dns_name = {}, uri = {}, ip = {};
  unsigned rsa_bits = 0;                  ///< of an RSA key; 0: one of P-256
  absl::Duration lasts = absl::Hours(1);  ///< from now on; below zero: has expired
  absl::Duration begins_in = -absl::Hours(24);
};

/// An authority that signs certificates for one test. Aborts if OpenSSL can't. Not thread-safe.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();

  /// Its own certificate, PEM.
  std::string pem() const;
  IssuedCertificate Issue(const CertificateWish& wish) const;

 private:
  struct Parts;
  const std::unique_ptr<const Parts> parts_;
};

}  // namespace mae
