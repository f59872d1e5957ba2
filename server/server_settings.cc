#include "server/server_settings.h"

#include <algorithm>
#include <functional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/nearest_word.h"

namespace mae {
namespace {

using Setter = std::function<absl::Status(const std::string& value, ServerConfig& config)>;

constexpr char kDatasets[] = "datasets.", kCertificates[] = "auth.certificates.";

// `field` gives the place of the setting in a config.
template <typename Field>
Setter Integer(Field field, int64_t low, int64_t high) {
  return [=](const std::string& value, ServerConfig& config) {
    int64_t number = 0;
    if (absl::SimpleAtoi(value, &number) && number >= low && number <= high) {
      field(config) = number;
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("is '", value, "'; give a whole number from ", low, " to ", high));
  };
}

template <typename Field>
Setter OneOf(Field field, std::vector<std::string> allowed) {
  return [=](const std::string& value, ServerConfig& config) {
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) {
      field(config) = value;
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("is '", value, "'; give one of ", absl::StrJoin(allowed, ", ")));
  };
}

template <typename Field>
Setter Text(Field field) {
  return [=](const std::string& value, ServerConfig& config) {
    field(config) = value;
    return absl::OkStatus();
  };
}

// Whole numbers with commas between them, [in brackets] or not, in any order; none is allowed.
template <typename Field>
Setter Integers(Field field, int64_t low, int64_t high) {
  return [=](const std::string& value, ServerConfig& config) {
    std::set<int64_t> numbers;
    absl::string_view list = absl::StripAsciiWhitespace(value);
    if (absl::ConsumePrefix(&list, "[") && !absl::ConsumeSuffix(&list, "]")) {
      return absl::InvalidArgumentError(absl::StrCat("is '", value, "', which lacks the ] at its end"));
    }
    for (const auto part : absl::StrSplit(list, ',', absl::SkipWhitespace())) {
      int64_t number = 0;
      if (!absl::SimpleAtoi(part, &number) || number < low || number > high) {
        return absl::InvalidArgumentError(absl::StrCat("is '", value, "'; give whole numbers from ", low,
                                                       " to ", high, ", with commas between them"));
      }
      numbers.insert(number);
    }
    field(config).assign(numbers.begin(), numbers.end());
    return absl::OkStatus();
  };
}

template <typename Field>
Setter Address(Field field) {
  return [=](const std::string& value, ServerConfig& config) {
    const size_t colon = value.rfind(':');
    int32_t port = -1;
    if (colon != std::string::npos && colon > 0 && absl::SimpleAtoi(value.substr(colon + 1), &port) &&
        port >= 0 && port <= 65535) {
      field(config) = value;
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("is '", value, "'; give HOST:PORT, a port from 0 to 65535"));
  };
}

template <typename Field>
Setter Switch(Field field) {
  return [=](const std::string& value, ServerConfig& config) {
    if (value == "true" || value == "false") {
      field(config) = value == "true";
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("is '", value, "'; give true or false"));
  };
}

constexpr char kPreferredBatches[] = "inference.preferred_batches";

#define MAE_FIELD(member) \
  [](ServerConfig & config) -> auto& { return config.member; }

const std::map<std::string, Setter>& Setters() {
  static const std::map<std::string, Setter> setters = {
      {"listen", Address(MAE_FIELD(listen))},
      {"metrics_listen", Address(MAE_FIELD(metrics_listen))},
      {"insecure_listen_for_everybody", Switch(MAE_FIELD(insecure_listen_for_everybody))},
      {"insecure_metrics_listen_for_everybody", Switch(MAE_FIELD(insecure_metrics_listen_for_everybody))},
      {"data_dir", Text(MAE_FIELD(data_dir))},
      {"log_level", OneOf(MAE_FIELD(log_level), {"trace", "debug", "info", "warning", "error"})},
      {"log_format", OneOf(MAE_FIELD(log_format), {"text", "json"})},
      {"tls.certificate", Text(MAE_FIELD(tls.certificate))},
      {"tls.key", Text(MAE_FIELD(tls.key))},
      {"tls.client_ca", Text(MAE_FIELD(tls.client_ca))},
      {"auth.tokens", Text(MAE_FIELD(auth.tokens))},
      {"auth.max_calls_per_second", Integer(MAE_FIELD(auth.max_calls_per_second), 0, 1'000'000)},
      {"auth.max_concurrent_calls", Integer(MAE_FIELD(auth.max_concurrent_calls), 0, 1'000'000)},
      {"audit.max_file_mib", Integer(MAE_FIELD(audit.max_file_mib), 1, 1024)},
      {"audit.keep_files", Integer(MAE_FIELD(audit.keep_files), 0, 1000)},
      {"jobs.slots", Integer(MAE_FIELD(jobs.slots), 1, 64)},
      {"jobs.max_queued", Integer(MAE_FIELD(jobs.max_queued), 1, 100'000)},
      {"jobs.trainer", Text(MAE_FIELD(jobs.trainer))},
      {"jobs.stop_grace_seconds", Integer(MAE_FIELD(jobs.stop_grace_seconds), 1, 86'400)},
      {"jobs.on_shutdown", OneOf(MAE_FIELD(jobs.on_shutdown), {"keep", "stop"})},
      {"jobs.max_watches", Integer(MAE_FIELD(jobs.max_watches), 1, 100'000)},
      {"disk.reserve_mib", Integer(MAE_FIELD(disk.reserve_mib), 0, 1'048'576)},
      {"rpc.threads", Integer(MAE_FIELD(rpc.threads), 1, 256)},
      {"rpc.max_waiting", Integer(MAE_FIELD(rpc.max_waiting), 0, 100'000)},
      {"rpc.max_message_mib", Integer(MAE_FIELD(rpc.max_message_mib), 1, 1024)},
      {"rpc.memory_mib", Integer(MAE_FIELD(rpc.memory_mib), 64, 1'048'576)},
      {"rpc.drain_seconds", Integer(MAE_FIELD(rpc.drain_seconds), 0, 3600)},
      {"rpc.max_header_kib", Integer(MAE_FIELD(rpc.max_header_kib), 4, 1024)},
      {"rpc.max_streams", Integer(MAE_FIELD(rpc.max_streams), 1, 100'000)},
      {"rpc.handshake_seconds", Integer(MAE_FIELD(rpc.handshake_seconds), 1, 600)},
      {"rpc.keepalive_seconds", Integer(MAE_FIELD(rpc.keepalive_seconds), 10, 86'400)},
      {"rpc.max_connection_seconds", Integer(MAE_FIELD(rpc.max_connection_seconds), 0, 2'000'000)},
      {"metrics.ended_job_seconds", Integer(MAE_FIELD(metrics.ended_job_seconds), 0, 86'400)},
      {"metrics.max_jobs", Integer(MAE_FIELD(metrics.max_jobs), 1, 1000)},
      {"metrics.page", Switch(MAE_FIELD(metrics.page))},
      {"inference.threads", Integer(MAE_FIELD(inference.threads), 1, 256)},
      {"inference.max_waiting", Integer(MAE_FIELD(inference.max_waiting), 0, 100'000)},
      {"inference.max_images", Integer(MAE_FIELD(inference.max_images), 1, 65'536)},
      {"inference.max_image_pixels", Integer(MAE_FIELD(inference.max_image_pixels), 1, int64_t{1} << 30)},
      {"inference.isolated_decoding", Switch(MAE_FIELD(inference.isolated_decoding))},
      {"inference.max_decoded_mib", Integer(MAE_FIELD(inference.max_decoded_mib), 1, 1'048'576)},
      {"inference.max_loaded_models", Integer(MAE_FIELD(inference.max_loaded_models), 1, 1024)},
      {"inference.memory_mib", Integer(MAE_FIELD(inference.memory_mib), 0, 16'777'216)},
      {"inference.response_cache_mib", Integer(MAE_FIELD(inference.response_cache_mib), 0, 1'048'576)},
      {"inference.device", Text(MAE_FIELD(inference.device))},
      {"inference.precision", OneOf(MAE_FIELD(inference.precision), {"auto", "bf16", "fp32", "int8"})},
      {"inference.forward_threads", Integer(MAE_FIELD(inference.forward_threads), 0, 64)},
      {"inference.compute_threads", Integer(MAE_FIELD(inference.compute_threads), 0, 256)},
      {"inference.max_batch", Integer(MAE_FIELD(inference.max_batch), 1, 4096)},
      {kPreferredBatches, Integers(MAE_FIELD(inference.preferred_batches), 1, 4096)},
      {"inference.max_delay_microseconds",
       Integer(MAE_FIELD(inference.max_delay_microseconds), 0, 1'000'000)},
      {"inference.max_queued_images", Integer(MAE_FIELD(inference.max_queued_images), 1, 1'000'000)},
  };
  return setters;
}

#undef MAE_FIELD

void SetDataset(const std::string& name, const std::string& path, ServerConfig& config) {
  if (path.empty()) {
    config.datasets.erase(name);
  } else {
    config.datasets[name] = path;
  }
}

absl::Status SetCertificate(const std::string& name, const std::string& value, ServerConfig& config) {
  const auto role = RoleNamed(value);
  if (!role) {
    return absl::InvalidArgumentError(absl::StrCat(kCertificates, name, ": is '", value,
                                                   "'; give one of viewer, inference, operator, admin"));
  }
  config.auth.certificates[name] = *role;
  return absl::OkStatus();
}

// The NAME of "datasets.NAME"; empty for another key.
std::string NameBelow(absl::string_view prefix, const std::string& key) {
  return absl::StartsWith(key, prefix) ? key.substr(prefix.size()) : "";
}

// A key of one setting below `key`; empty if there is none.
std::string SettingBelow(const std::string& key) {
  const std::string prefix = absl::StrCat(key, ".");
  for (const auto& [name, setter] : Setters()) {
    if (absl::StartsWith(name, prefix)) return name;
  }
  return prefix == kDatasets || prefix == kCertificates ? absl::StrCat(prefix, "NAME") : "";
}

absl::Status UnknownKey(const std::string& key) {
  if (const std::string below = SettingBelow(key); !below.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, ": is no setting, and has none below it here; give one, as ", below));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown key '", key, "'", DidYouMean(key, ServerSettingKeys())));
}

}  // namespace

bool TakesList(const std::string& key) { return key == kPreferredBatches; }

std::vector<std::string> ServerSettingKeys() {
  std::vector<std::string> keys;
  for (const auto& [key, setter] : Setters()) keys.push_back(key);
  return keys;
}

absl::Status SetServerSetting(const std::string& key, const std::string& value, ServerConfig& config) {
  if (const std::string name = NameBelow(kDatasets, key); !name.empty()) {
    SetDataset(name, value, config);
    return absl::OkStatus();
  }
  if (const std::string name = NameBelow(kCertificates, key); !name.empty())
    return SetCertificate(name, value, config);
  const auto setter = Setters().find(key);
  if (setter == Setters().end()) return UnknownKey(key);
  const absl::Status set = setter->second(value, config);
  if (set.ok()) return set;
  return absl::InvalidArgumentError(absl::StrCat(key, ": ", std::string(set.message())));
}

}  // namespace mae
