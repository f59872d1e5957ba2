#pragma once

#include <string>

namespace mae {

enum class OutputFormat { kTable, kJson, kYaml, kCsv };

/// What may stand before or after any verb. Empty strings: not given.
struct GlobalOptions {
  std::string server;           ///< HOST:PORT
  std::string context;          ///< name of a context of config.yaml
  std::string token_file;       ///< its content is sent as a bearer token
  std::string ca_file;          ///< PEM of the authority that signed the server's certificate; given: TLS
  std::string cert_file;        ///< PEM of a certificate that says who calls
  std::string key_file;         ///< PEM of its private key
  double timeout_seconds = 30;  ///< of one call that is not a stream, above 0
  OutputFormat format = OutputFormat::kTable;
  bool quiet = false;  ///< no notes, no progress: errors alone on stderr
};

}  // namespace mae
