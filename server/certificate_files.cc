#include "server/certificate_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "server/secret_file.h"

namespace mae {
namespace {

constexpr char kCutOff[] = "has a certificate that is damaged or cut off";

struct FreeOpenSsl {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
template <typename T>
using OwnedOpenSsl = std::unique_ptr<T, FreeOpenSsl>;

OwnedOpenSsl<BIO> BioOver(const std::string& pem) {
  return OwnedOpenSsl<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Nothing if one of them is damaged or cut off: gRPC would go on with those before it.
std::optional<std::vector<OwnedOpenSsl<X509>>> CertificatesIn(const std::string& pem) {
  std::vector<OwnedOpenSsl<X509>> all;
  const auto bio = BioOver(pem);
  ERR_clear_error();
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) all.emplace_back(next);
  const auto last = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE) return std::nullopt;
  return all;
}

// Whether TLS takes them, which asks more than that they fit: sizes of keys, ways of signing.
bool TlsTakes(X509& certificate, EVP_PKEY& key) {
  const OwnedOpenSsl<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  const bool taken = context != nullptr && SSL_CTX_use_certificate(context.get(), &certificate) == 1 &&
                     SSL_CTX_use_PrivateKey(context.get(), &key) == 1;
  ERR_clear_error();
  return taken;
}

absl::Time TimeOf(const ASN1_TIME* written) {
  tm time = {};
  ASN1_TIME_to_tm(written, &time);
  return absl::FromTM(time, absl::UTCTimeZone());
}

absl::Time EndOf(const X509& certificate) { return TimeOf(X509_get0_notAfter(&certificate)); }

// A key with a passphrase is none: nobody is there to type it.
int NoPassphrase(char*, int, int, void*) { return 0; }

absl::Status FaultyFile(const char* setting, const std::filesystem::path& path, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat(setting, ": ", path.string(), " ", what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateFiles>> CertificateFiles::Open(Paths paths,
                                                                         absl::Duration between_looks) {
  std::unique_ptr<CertificateFiles> files(new CertificateFiles(std::move(paths), between_looks));
  MAE_ASSIGN_OR_RETURN(CertificateSet read, files->Read());
  const absl::MutexLock lock(&files->mutex_);
  files->current_ = std::make_shared<const CertificateSet>(std::move(read));
  files->next_look_ = absl::Now() + between_looks;
  return files;
}

absl::Status CertificateFiles::ReadOwn(CertificateSet& set) const {
  MAE_ASSIGN_OR_RETURN(set.certificate, ReadTrustedFile(paths_.certificate, "tls.certificate"));
  MAE_ASSIGN_OR_RETURN(set.key, ReadSecretFile(paths_.key, "tls.key"));
  const auto chain = CertificatesIn(set.certificate);
  if (!chain) return FaultyFile("tls.certificate", paths_.certificate, kCutOff);
  if (chain->empty()) return FaultyFile("tls.certificate", paths_.certificate, "has no certificate in PEM");
  const OwnedOpenSsl<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(BioOver(set.key).get(), nullptr, &NoPassphrase, nullptr));
  const bool fits = key != nullptr && X509_check_private_key(chain->front().get(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr)
    return FaultyFile("tls.key", paths_.key, "has no private key in PEM without a passphrase");
  if (!fits) return FaultyFile("tls.key", paths_.key, "does not fit the certificate of tls.certificate");
  if (!TlsTakes(*chain->front(), *key))
    return FaultyFile("tls.certificate", paths_.certificate,
                      "is none that TLS takes: its key is too short, or the way of signing it too weak");
  if (TimeOf(X509_get0_notBefore(chain->front().get())) > absl::Now())
    return FaultyFile("tls.certificate", paths_.certificate, "is not valid yet: clients would refuse it");
  set.expires = EndOf(*chain->front());
  if (set.expires > absl::Now()) return absl::OkStatus();
  return FaultyFile("tls.certificate", paths_.certificate, "has expired: put a new one in its place");
}

absl::Status CertificateFiles::ReadClientCa(CertificateSet& set) const {
  set.client_ca_expires = absl::InfiniteFuture();
  if (!asks_clients()) return absl::OkStatus();
  MAE_ASSIGN_OR_RETURN(set.client_ca, ReadTrustedFile(paths_.client_ca, "tls.client_ca"));
  const auto authorities = CertificatesIn(set.client_ca);
  if (!authorities) return FaultyFile("tls.client_ca", paths_.client_ca, kCutOff);
  if (authorities->empty()) return FaultyFile("tls.client_ca", paths_.client_ca, "has no certificate in PEM");
  for (const auto& each : *authorities) set.client_ca_expires = std::min(set.client_ca_expires, EndOf(*each));
  return absl::OkStatus();
}

absl::StatusOr<CertificateSet> CertificateFiles::Read() const {
  CertificateSet set;
  MAE_RETURN_IF_ERROR(ReadOwn(set));
  MAE_RETURN_IF_ERROR(ReadClientCa(set));
  return set;
}

absl::Status CertificateFiles::Reload() {
  const absl::MutexLock looking(&looking_);
  auto read = Read();
  const absl::MutexLock lock(&mutex_);
  next_look_ = absl::Now() + between_looks_;
  if (!read.ok()) {
    const std::string words(read.status().message());
    if (words != told_) spdlog::error("{}; the certificate of before stays", words);
    told_ = words;
    return read.status();
  }
  told_.clear();
  if (read->certificate == current_->certificate && read->key == current_->key &&
      read->client_ca == current_->client_ca)
    return absl::OkStatus();
  current_ = std::make_shared<const CertificateSet>(*std::move(read));
  is_taken_ = false;
  spdlog::info("new TLS certificate, which ends {}",
               absl::FormatTime(current_->expires, absl::UTCTimeZone()));
  return absl::OkStatus();
}

void CertificateFiles::LookIfDue() {
  const bool look = [this] {
    const absl::MutexLock lock(&mutex_);
    return absl::Now() >= next_look_;
  }();
  if (look) Reload().IgnoreError();  // It is in the log.
}

std::shared_ptr<const CertificateSet> CertificateFiles::TakeNewer() {
  LookIfDue();
  const absl::MutexLock lock(&mutex_);
  if (is_taken_) return nullptr;
  is_taken_ = true;
  return current_;
}

std::shared_ptr<const CertificateSet> CertificateFiles::Current() const {
  const absl::MutexLock lock(&mutex_);
  return current_;
}

}  // namespace mae
