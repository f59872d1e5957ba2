#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/call_gate.h"
#include "server/certificate_files.h"

/// gRPC's credentials for a port. An interceptor can't refuse a call in this gRPC; what its credentials ask
/// about every call can, and it is asked for each method, also for those that nobody has. Its own C++ classes
/// lose a certificate as soon as a key doesn't fit it, so these stand on the C API, which asks for newer
/// certificates at each handshake and keeps the last where there are none.
namespace mae {

/// For a port of the loopback interface; a peer from elsewhere is turned away. What it is given outlives the
/// gRPC server.
std::shared_ptr<grpc::ServerCredentials> LocalCredentials(const CallGate& gate);

/// TLS 1.2 or 1.3. A client certificate is asked for where there is an authority for them, and one that is
/// shown must be good; calls without one need a token.
/// @param gate null: everybody may do everything.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(CertificateFiles& files, const CallGate* gate);

}  // namespace mae
