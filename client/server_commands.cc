#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "client/output.h"
#include "client/readable.h"
#include "client/resource_name.h"
#include "client/table.h"
#include "client/verb_registry.h"
#include "mae/v1/server.grpc.pb.h"

namespace mae {
namespace {

std::string InfoFields(const v1::ServerInfo& info, const std::string& address) {
  std::vector<std::pair<std::string, std::string>> fields = {
      {"server", absl::StrCat(address, ", version ", info.version())}, {"libtorch", info.libtorch_version()}};
  for (const auto& device : info.devices()) {
    fields.emplace_back(absl::StrCat("device ", device.name()),
                        absl::StrCat(device.description(), ", ", ReadableBytes(device.memory_bytes())));
  }
  const auto& limits = info.limits();
  const auto short_name = [](std::string* out, const std::string& name) {
    absl::StrAppend(out, ShortName(name));
  };
  fields.insert(fields.end(),
                {{"jobs at once", absl::StrCat(limits.job_slots())},
                 {"jobs queued", absl::StrCat("at most ", limits.max_queued_jobs())},
                 {"message", absl::StrCat("at most ", ReadableBytes(limits.max_message_bytes()))},
                 {"images a request", absl::StrCat("at most ", limits.max_images_per_request())},
                 {"pixels an image", absl::StrCat("at most ", Grouped(limits.max_image_pixels()))},
                 {"datasets", absl::StrJoin(info.datasets(), ", ", short_name)},
                 {"presets", absl::StrJoin(info.model_presets(), ", ")},
                 {"recipes", absl::StrJoin(info.recipes(), ", ")},
                 {"data folder", info.data_dir()},
                 {"metrics", info.metrics_address()}});
  return FieldLines(fields);
}

absl::Status ServerInfo(Session& session) {
  MAE_ASSIGN_OR_RETURN(const Connection* connection, session.Connect());
  MAE_ASSIGN_OR_RETURN(
      const v1::ServerInfo info,
      session.Call<v1::ServerService>(&v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest()));
  return WriteMessage(session.options.format, info, [&] { return InfoFields(info, connection->address()); });
}

}  // namespace

void AddServerCommands(VerbRegistry& verbs) {
  CLI::App* verb =
      verbs.Add("Server", "server-info", "The server's version, devices, limits, datasets and recipes",
                "server-info\n--server gpu1:8500 server-info -o yaml");
  verbs.OnChosen(verb, [&verbs] { return ServerInfo(verbs.session()); });
}

}  // namespace mae
