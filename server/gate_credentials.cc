#include "server/gate_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>

#include <string>
#include <utility>

namespace mae {
namespace {

std::string_view ViewOfSlice(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

void AddNames(const grpc_auth_context* context, const char* property, std::vector<std::string_view>& names) {
  grpc_auth_property_iterator at = grpc_auth_context_find_properties_by_name(context, property);
  while (const grpc_auth_property* found = grpc_auth_property_iterator_next(&at))
    names.emplace_back(found->value, found->value_length);
}

void ProcessCall(void* state, grpc_auth_context* context, const grpc_metadata* metadata, size_t count,
                 grpc_process_auth_metadata_done_cb done, void* user_data) {
  Credentials credentials;
  std::string_view path;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view key = ViewOfSlice(metadata[i].key), value = ViewOfSlice(metadata[i].value);
    if (key == ":path") path = value;
    if (key == "authorization") credentials.authorization.push_back(value);
  }
  for (const char* property : kCertificateNames) AddNames(context, property, credentials.certificate);
  const absl::Status decided = static_cast<const CallGate*>(state)->Check(path, credentials);
  const std::string words(decided.message());
  done(user_data, nullptr, 0, nullptr, 0, static_cast<grpc_status_code>(decided.code()),
       decided.ok() ? nullptr : words.c_str());
}

class GateCredentials final : public grpc::ServerCredentials {
 public:
  /// @param make makes what it owns then, after gRPC has been started by the base.
  template <typename Make>
  GateCredentials(const Make& make, const CallGate* gate) : credentials_(make()) {
    if (gate == nullptr) return;
    const grpc_auth_metadata_processor processor = {&ProcessCall, nullptr, const_cast<CallGate*>(gate)};
    grpc_server_credentials_set_auth_metadata_processor(credentials_, processor);
  }
  ~GateCredentials() override { grpc_server_credentials_release(credentials_); }

  /// The gate is the one that counts.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

grpc_ssl_certificate_config_reload_status FetchNewer(void* state,
                                                     grpc_ssl_server_certificate_config** config) {
  auto& files = *static_cast<CertificateFiles*>(state);
  const auto newer = files.TakeNewer();
  if (newer == nullptr) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const grpc_ssl_pem_key_cert_pair pair = {newer->key.c_str(), newer->certificate.c_str()};
  // gRPC must have some authorities, also where it asks no client for a certificate.
  const std::string& authorities = newer->client_ca.empty() ? newer->certificate : newer->client_ca;
  *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> LocalCredentials(const CallGate& gate) {
  return std::make_shared<GateCredentials>([] { return grpc_local_server_credentials_create(LOCAL_TCP); },
                                           &gate);
}

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(CertificateFiles& files, const CallGate* gate) {
  const auto request = files.asks_clients() ? GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY
                                            : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  const auto make = [&] {
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &FetchNewer, &files));
  };
  return std::make_shared<GateCredentials>(make, gate);
}

}  // namespace mae
