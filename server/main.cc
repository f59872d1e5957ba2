#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/catch_all.h"
#include "data/encoded_images.h"
#include "image/decoder_apart.h"
#include "runtime/wait_policy.h"
#include "server/descriptor_limit.h"
#include "server/end_signals.h"
#include "server/image_decoders.h"
#include "server/make_token_command.h"
#include "server/server.h"
#include "server/server_config.h"
#include "server/server_logging.h"

namespace {

constexpr int kFailed = 1, kUsage = 2;

int Fail(const absl::Status& status) {
  std::cerr << "mae_server: " << status.message() << "\n";
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) ? kUsage : kFailed;
}

// CLI11 says "--listen: At Most 1 required but received 2" of an option that is there twice.
int FailOption(const std::string& what) {
  const size_t end = what.find(": At Most 1 required");
  std::cerr << "mae_server: "
            << (end == std::string::npos ? what : what.substr(0, end) + " is given twice; give it once")
            << "\n";
  return kUsage;
}

// The process keeps what reads picture files apart from it, if there is such a thing, for as long as it
// lives.
absl::Status ReadPicturesApart(const mae::ServerConfig& config) {
  if (!config.inference.isolated_decoding) return absl::OkStatus();
  constexpr int64_t kPixelBytes = 8 * 3;  // 16 bits and four channels, of which a reader may hold copies
  const int64_t pixels = std::max(config.inference.max_image_pixels, mae::kMaxDatasetImagePixels);
  auto decoders = mae::ImageDecoders::Make(
      {.processes = std::max(1U, std::thread::hardware_concurrency()),
       .memory_bytes = (int64_t{1} << 30) + pixels * kPixelBytes + (config.rpc.max_message_mib << 20)});
  if (decoders.ok()) mae::SetDecoderApart(*std::move(decoders));
  return decoders.status();
}

int Run(int argc, char** argv) {
  std::signal(SIGCHLD, SIG_DFL);  // Ignored, as a parent may leave it, nobody would learn how children end.
  mae::RaiseDescriptorLimit();
  mae::WaitWithoutSpinning(argv);
  CLI::App app("Trains and serves Masked Autoencoders over gRPC. Settings: configs/server.yaml.",
               "mae_server");
  app.footer("Exit: 0 ended by a signal, 1 could not start, 2 a wrong option or setting.");
  std::string config_file;
  mae::CommandLineSettings settings;
  app.set_version_flag("--version", MAE_VERSION);
  app.add_option("--config", config_file, "YAML file with settings that differ from the defaults");
  app.add_option("--listen", settings.listen, "HOST:PORT of gRPC; port 0 picks one");
  app.add_option("--metrics-listen", settings.metrics_listen,
                 "HOST:PORT of /metrics, /healthz, /readyz and a page of jobs and models");
  app.add_option("--data-dir", settings.data_dir, "folder of jobs, models and datasets");
  app.add_flag(
      "--insecure-listen-for-everybody", settings.insecure_listen_for_everybody,
      "allow addresses of gRPC that others can reach without TLS and tokens: they can do everything");
  app.add_flag("--insecure-metrics-listen-for-everybody", settings.insecure_metrics_listen_for_everybody,
               "allow addresses of the metrics port, which has no TLS, that others can reach");
  app.add_option("--set", settings.assignments, "KEY=VALUE, as jobs.slots=2; may be repeated")
      ->allow_extra_args(false);
  mae::MakeTokenCommand make_token(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch& error) {
    return FailOption(error.what());
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (make_token.is_asked_for()) return make_token.Run();
  const sigset_t signals = mae::BlockEndSignals();
  const auto config = mae::LoadServerConfig(config_file, settings.Overrides());
  if (!config.ok()) return Fail(config.status());
  mae::LogToStderr(config->log_level, config->log_format);
  if (const absl::Status apart = ReadPicturesApart(*config); !apart.ok()) return Fail(apart);
  const absl::Cleanup end_decoders = [] { mae::SetDecoderApart(nullptr); };
  const auto server = mae::Server::Start(*config);
  if (!server.ok()) return Fail(server.status());
  const std::string http = absl::StrCat("http://", (*server)->metrics_address());
  std::cout << "listening on " << (*server)->address() << "\nmetrics on " << http << "/metrics\n";
  if (config->metrics.page) std::cout << "page on " << http << "/\n";
  std::cout << std::flush;
  mae::WaitForEnd(signals, [&] { (*server)->Reload(); });
  (*server)->Drain();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto code = mae::CatchAll("unexpected", [&]() -> absl::StatusOr<int> { return Run(argc, argv); });
  if (code.ok()) return *code;
  std::cerr << "mae_server: " << code.status().message() << "\n";
  return kFailed;
}
