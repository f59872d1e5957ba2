#include "server/server_logging.h"

#include <grpc/support/log.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/log_lines.h"

namespace mae {

namespace {

// gRPC's own lines are for who looks into gRPC; what users need to know is in our errors.
void LogForGrpc(gpr_log_func_args* line) { spdlog::debug("grpc: {}", line->message); }

}  // namespace

void LogToStderr(const std::string& level, const std::string& format) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("mae_server"));
  if (format == "json") spdlog::set_formatter(MakeJsonLogFormatter("mae_server", {}));
  spdlog::set_level(spdlog::level::from_str(level));
  gpr_set_log_function(&LogForGrpc);
}

}  // namespace mae
