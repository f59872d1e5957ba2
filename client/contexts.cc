#include "client/contexts.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/status_macros.h"

namespace mae {
namespace {

constexpr int64_t kMaxFileBytes = 1 << 20;

std::string* FieldOf(ServerContext& context, const std::string& key) {
  if (key == "server") return &context.server;
  if (key == "token_file") return &context.token_file;
  if (key == "ca_file") return &context.ca_file;
  if (key == "cert_file") return &context.cert_file;
  if (key == "key_file") return &context.key_file;
  return nullptr;
}

absl::StatusOr<ServerContext> ContextFrom(const std::string& name, const YAML::Node& node) {
  if (!node.IsMap()) {
    return absl::InvalidArgumentError(
        absl::StrCat("contexts.", name, " must be a map, as {server: HOST:PORT}"));
  }
  ServerContext context;
  for (const auto& entry : node) {
    const std::string key = entry.first.as<std::string>();
    std::string* field = FieldOf(context, key);
    if (field == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("contexts.", name, ".", key,
                       " is unknown: use server, token_file, ca_file, cert_file or key_file"));
    }
    if (!entry.second.IsScalar())
      return absl::InvalidArgumentError(absl::StrCat("contexts.", name, ".", key, " takes one value"));
    *field = entry.second.as<std::string>();
  }
  return context;
}

absl::StatusOr<Contexts> ContextsFrom(const YAML::Node& root) {
  Contexts contexts;
  if (root.IsNull()) return contexts;
  if (!root.IsMap()) return absl::InvalidArgumentError("must be a map with current and contexts");
  for (const auto& entry : root) {
    const std::string key = entry.first.as<std::string>();
    if (key != "current" && key != "contexts")
      return absl::InvalidArgumentError(absl::StrCat(key, " is unknown: use current or contexts"));
  }
  if (root["current"]) contexts.current = root["current"].as<std::string>();
  for (const auto& entry : root["contexts"]) {
    const std::string name = entry.first.as<std::string>();
    MAE_ASSIGN_OR_RETURN(contexts.by_name[name], ContextFrom(name, entry.second));
  }
  return contexts;
}

}  // namespace

std::filesystem::path ContextsPath() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config != '\0') return std::filesystem::path(config) / "mae/config.yaml";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".config/mae/config.yaml";
}

absl::StatusOr<Contexts> LoadContexts(const std::filesystem::path& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, kMaxFileBytes);
  if (absl::IsNotFound(text.status())) return Contexts();
  MAE_RETURN_IF_ERROR(text.status());
  try {
    const absl::StatusOr<Contexts> contexts = ContextsFrom(YAML::Load(*text));
    if (contexts.ok()) return contexts;
    return absl::InvalidArgumentError(absl::StrCat(path.string(), ": ", contexts.status().message()));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), ": ", error.what()));
  }
}

absl::Status SaveContexts(const Contexts& contexts, const std::filesystem::path& path) {
  YAML::Node root;
  if (!contexts.current.empty()) root["current"] = contexts.current;
  for (const auto& [name, context] : contexts.by_name) {
    YAML::Node node = root["contexts"][name];
    node["server"] = context.server;
    if (!context.token_file.empty()) node["token_file"] = context.token_file;
    if (!context.ca_file.empty()) node["ca_file"] = context.ca_file;
    if (!context.cert_file.empty()) node["cert_file"] = context.cert_file;
    if (!context.key_file.empty()) node["key_file"] = context.key_file;
  }
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error)
    return absl::PermissionDeniedError(absl::StrCat(path.parent_path().string(), ": ", error.message()));
  return WriteFileDurably(path, YAML::Dump(root) + "\n");
}

}  // namespace mae
