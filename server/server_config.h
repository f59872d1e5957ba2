#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/role.h"

namespace mae {

/// All settings of a server; configs/server.yaml has each key with its meaning, unit, limits and default. A
/// plain value. Without LoadServerConfig everything is empty or 0.
struct ServerConfig {
  std::string listen, metrics_listen;                  ///< HOST:PORT
  bool insecure_listen_for_everybody = false;          ///< gRPC
  bool insecure_metrics_listen_for_everybody = false;  ///< the metrics port
  std::filesystem::path data_dir;
  std::string log_level, log_format;

  struct Tls {
    std::filesystem::path certificate, key, client_ca;  ///< empty: none
  } tls;

  struct Auth {
    std::filesystem::path tokens;              ///< empty: none
    std::map<std::string, Role> certificates;  ///< by a name in a client's certificate
    int64_t max_calls_per_second = 0, max_concurrent_calls = 0;
  } auth;

  struct Audit {
    int64_t max_file_mib = 0, keep_files = 0;
  } audit;

  struct Jobs {
    int64_t slots = 0, max_queued = 0;
    std::filesystem::path trainer;
    int64_t stop_grace_seconds = 0;
    std::string on_shutdown;  ///< keep or stop
    int64_t max_watches = 0;
  } jobs;

  struct Disk {
    int64_t reserve_mib = 0;
  } disk;

  struct Rpc {
    int64_t threads = 0, max_waiting = 0, max_message_mib = 0, memory_mib = 0, drain_seconds = 0;
    int64_t max_header_kib = 0, max_streams = 0, handshake_seconds = 0, keepalive_seconds = 0,
            max_connection_seconds = 0;
  } rpc;

  struct Inference {
    int64_t threads = 0, max_waiting = 0, max_images = 0, max_image_pixels = 0, max_loaded_models = 0,
            max_decoded_mib = 0, memory_mib = 0, response_cache_mib = 0;
    std::string device, precision;
    bool isolated_decoding = false;
    std::vector<int64_t> preferred_batches;  ///< rising
    int64_t forward_threads = 0, compute_threads = 0, max_batch = 0, max_delay_microseconds = 0,
            max_queued_images = 0;
  } inference;

  struct Metrics {
    int64_t ended_job_seconds = 0, max_jobs = 0;
    bool page = false;
  } metrics;

  std::map<std::string, std::filesystem::path> datasets;
};

/// What the command line can set; empty fields leave a setting alone.
struct CommandLineSettings {
  std::string listen, metrics_listen, data_dir;
  bool insecure_listen_for_everybody = false, insecure_metrics_listen_for_everybody = false;
  std::vector<std::string> assignments;  ///< of --set

  /// Those of --set as "key=value", then the named options as "--option=value": they win over --set.
  std::vector<std::string> Overrides() const;
};

/// Puts the defaults of a machine with so many cores where compute_threads or forward_threads are 0. Pure.
void FillThreads(int64_t cores, ServerConfig::Inference& inference);

/// The content of configs/server.yaml.
const char* DefaultServerConfigYaml();

/// Defaults, then a file, then single settings; later ones win. Where data_dir or jobs.trainer stay empty,
/// their defaults (from the environment, and beside this program) are put in, and where threads are 0 those
/// of this machine.
/// @param file empty: none. NOT_FOUND if it isn't there.
/// @param overrides "key=value" or "--option=value", in order: "jobs.slots=2", "--listen=127.0.0.1:0".
/// @return INVALID_ARGUMENT with file, line, key or option, and limit; an unknown key comes with the nearest
/// known one.
absl::StatusOr<ServerConfig> LoadServerConfig(const std::filesystem::path& file,
                                              const std::vector<std::string>& overrides);

}  // namespace mae
