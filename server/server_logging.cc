#include "server/server_logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace mae {

void LogToStderr(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("mae_server"));
  spdlog::set_level(spdlog::level::from_str(level));
}

}  // namespace mae
