#include "server/server_config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "runtime/device.h"
#include "server/server_settings.h"

namespace mae {
namespace {

constexpr int64_t kMaxConfigBytes = 1 << 20;

// What an unset variable leaves of the setting without which nobody is asked who they are. The file of the
// defaults, which people copy, has "" where it means none.
absl::Status CheckNotForgotten(const std::string& key, bool is_empty) {
  if (!is_empty || key != "auth.tokens") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(key, ": is empty; name the file of tokens, or leave the setting out to ask nobody"));
}

// A scalar as it stands; the items of a list with commas between them.
std::string TextOf(const YAML::Node& value) {
  if (!value.IsSequence()) return value.IsNull() ? "" : value.Scalar();
  return absl::StrJoin(value, ",", [](std::string* out, const auto& item) { out->append(item.Scalar()); });
}

// Applies one YAML document, which may nest its keys or not at all.
class YamlSettings {
 public:
  YamlSettings(std::string source, ServerConfig& config) : source_(std::move(source)), config_(config) {}

  absl::Status Apply(const std::string& yaml) {
    try {
      const YAML::Node root = YAML::Load(yaml);
      return root.IsNull() ? absl::OkStatus() : ApplyMap("", root);
    } catch (const YAML::Exception& error) {
      return absl::InvalidArgumentError(absl::StrCat(source_, ": ", error.what()));
    }
  }

 private:
  absl::Status ApplyMap(const std::string& prefix, const YAML::Node& map) {
    if (!map.IsMap())
      return At(map, absl::StrCat(prefix.empty() ? "the file" : prefix, " must be a map of settings"));
    for (const auto& entry : map) {
      const std::string key = absl::StrCat(prefix, prefix.empty() ? "" : ".", entry.first.as<std::string>());
      if (!seen_.insert(key).second) return At(entry.first, absl::StrCat(key, " is set twice"));
      MAE_RETURN_IF_ERROR(entry.second.IsMap() ? ApplyMap(key, entry.second) : ApplyScalar(key, entry));
    }
    return absl::OkStatus();
  }

  absl::Status ApplyScalar(const std::string& key, const YAML::detail::iterator_value& entry) {
    if (entry.second.IsSequence() && !TakesList(key))
      return At(entry.second, absl::StrCat(key, " takes one value, not a list"));
    for (const YAML::Node& item : entry.second) {
      if (!item.IsScalar()) return At(item, absl::StrCat(key, " takes a list of single values"));
    }
    absl::Status set = CheckNotForgotten(key, entry.second.IsNull());
    if (set.ok()) set = SetServerSetting(key, TextOf(entry.second), config_);
    return set.ok() ? set : At(entry.first, std::string(set.message()));
  }

  absl::Status At(const YAML::Node& node, const std::string& what) const {
    return absl::InvalidArgumentError(absl::StrCat(source_, " line ", node.Mark().line + 1, ": ", what));
  }

  const std::string source_;
  ServerConfig& config_;
  std::set<std::string> seen_;
};

// "--metrics-listen=…", the option of the setting metrics_listen. Its errors name the option.
absl::Status ApplyOption(absl::string_view option, absl::string_view value, ServerConfig& config) {
  const std::string key = absl::StrReplaceAll(absl::StripPrefix(option, "--"), {{"-", "_"}});
  const absl::Status set = SetServerSetting(key, std::string(value), config);
  if (set.ok()) return set;
  const absl::string_view reason = absl::StripPrefix(set.message(), absl::StrCat(key, ": "));
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", reason));
}

absl::Status ApplyOverride(const std::string& assignment, ServerConfig& config) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--set ", assignment, ": give KEY=VALUE, as jobs.slots=2"));
  }
  if (absl::StartsWith(assignment, "--"))
    return ApplyOption(assignment.substr(0, equals), assignment.substr(equals + 1), config);
  const std::string key = assignment.substr(0, equals), value = assignment.substr(equals + 1);
  absl::Status set = CheckNotForgotten(key, value.empty());
  if (set.ok()) set = SetServerSetting(key, value, config);
  return set.ok() ? set : absl::InvalidArgumentError(absl::StrCat("--set ", std::string(set.message())));
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<std::filesystem::path> DefaultDataDir() {
  // A relative XDG path is to be ignored (XDG Base Directory Specification).
  const std::filesystem::path xdg = Environment("XDG_DATA_HOME");
  if (xdg.is_absolute()) return xdg / "mae";
  const std::filesystem::path home = Environment("HOME");
  if (home.is_absolute()) return home / ".local" / "share" / "mae";
  return absl::InvalidArgumentError(
      "data_dir: neither it nor XDG_DATA_HOME nor HOME is set; give --data-dir");
}

absl::StatusOr<std::filesystem::path> DefaultTrainer() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) return self.parent_path() / "mae_trainer";
  return absl::InternalError(absl::StrCat("/proc/self/exe: ", error.message(), "; set jobs.trainer"));
}

}  // namespace

void FillThreads(int64_t cores, ServerConfig::Inference& inference) {
  if (inference.compute_threads == 0) inference.compute_threads = std::clamp<int64_t>(cores / 4, 1, 4);
  if (inference.forward_threads == 0)
    inference.forward_threads = std::clamp<int64_t>(cores / inference.compute_threads, 1, 64);
}

std::vector<std::string> CommandLineSettings::Overrides() const {
  std::vector<std::string> overrides = assignments;
  if (!listen.empty()) overrides.push_back("--listen=" + listen);
  if (!metrics_listen.empty()) overrides.push_back("--metrics-listen=" + metrics_listen);
  if (!data_dir.empty()) overrides.push_back("--data-dir=" + data_dir);
  if (insecure_listen_for_everybody) overrides.push_back("--insecure-listen-for-everybody=true");
  if (insecure_metrics_listen_for_everybody)
    overrides.push_back("--insecure-metrics-listen-for-everybody=true");
  return overrides;
}

absl::StatusOr<ServerConfig> LoadServerConfig(const std::filesystem::path& file,
                                              const std::vector<std::string>& overrides) {
  ServerConfig config;
  MAE_RETURN_IF_ERROR(YamlSettings("configs/server.yaml", config).Apply(DefaultServerConfigYaml()));
  if (!file.empty()) {
    MAE_ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file, kMaxConfigBytes));
    MAE_RETURN_IF_ERROR(YamlSettings(file.string(), config).Apply(yaml));
  }
  for (const std::string& assignment : overrides) MAE_RETURN_IF_ERROR(ApplyOverride(assignment, config));
  if (config.data_dir.empty()) {
    MAE_ASSIGN_OR_RETURN(config.data_dir, DefaultDataDir());
  }
  FillThreads(UsableCores(), config.inference);
  if (config.jobs.trainer.empty()) {
    MAE_ASSIGN_OR_RETURN(config.jobs.trainer, DefaultTrainer());
  }
  return config;
}

}  // namespace mae
