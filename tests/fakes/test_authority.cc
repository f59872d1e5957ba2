#include "tests/fakes/test_authority.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "absl/time/clock.h"

namespace mae {
namespace {

void Must(bool done) {
  if (done) return;
  std::fputs("tests/fakes/test_authority: OpenSSL can't\n", stderr);
  std::abort();
}

EVP_PKEY* MakeKey(unsigned rsa_bits = 0) {
  EVP_PKEY* const key = rsa_bits > 0 ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
  Must(key != nullptr);
  return key;
}

void SetTime(ASN1_TIME* time, absl::Duration from_now) {
  Must(X509_gmtime_adj(time, static_cast<long>(absl::ToInt64Seconds(from_now))) != nullptr);
}

void AddExtension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  Must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(EVP_PKEY* key, const CertificateWish& wish) {
  static std::atomic<long> serial = 0;
  X509* const certificate = X509_new();
  Must(X509_set_version(certificate, 2) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  SetTime(X509_getm_notBefore(certificate), wish.begins_in);
  SetTime(X509_getm_notAfter(certificate), wish.lasts);
  Must(X509_set_pubkey(certificate, key) == 1);
  if (wish.common_name.empty()) return certificate;
  Must(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1,
                                  0) == 1);
  return certificate;
}

template <typename Write>
std::string Pem(Write write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  Must(write(bio) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::string PemOf(X509* certificate) {
  return Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

}  // namespace

struct TestAuthority::Parts {
  static inline std::atomic<int> count = 0;
  EVP_PKEY* key = MakeKey();
  X509* certificate = NewCertificate(
      key, {.common_name = "test authority " + std::to_string(++count), .lasts = absl::Hours(24)});
  Parts() {
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    Must(X509_sign(certificate, key, EVP_sha256()) > 0);
  }
  ~Parts() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
};

TestAuthority::TestAuthority() : parts_(std::make_unique<const Parts>()) {}
TestAuthority::~TestAuthority() = default;

std::string TestAuthority::pem() const { return PemOf(parts_->certificate); }

IssuedCertificate TestAuthority::Issue(const CertificateWish& wish) const {
  EVP_PKEY* const key = MakeKey(wish.rsa_bits);
  X509* const certificate = NewCertificate(key, wish);
  X509_set_issuer_name(certificate, X509_get_subject_name(parts_->certificate));
  std::string names = wish.dns_name.empty() ? "" : "DNS:" + wish.dns_name;
  if (!wish.uri.empty()) names += (names.empty() ? "URI:" : ",URI:") + wish.uri;
  if (!wish.ip.empty()) names += (names.empty() ? "IP:" : ",IP:") + wish.ip;
  if (!names.empty()) AddExtension(certificate, NID_subject_alt_name, names);
  Must(X509_sign(certificate, parts_->key, EVP_sha256()) > 0);
  IssuedCertificate issued;
  issued.certificate = PemOf(certificate);
  issued.key = Pem(
      [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return issued;
}

}  // namespace mae
