#include "server/server_service.h"

#include "absl/strings/str_cat.h"
#include "options/model_presets.h"
#include "recipe/recipe_yaml.h"
#include "runtime/device.h"
#include "server/unary_call.h"

namespace mae {

grpc::ServerUnaryReactor* ServerService::GetServerInfo(grpc::CallbackServerContext* context,
                                                       const v1::GetServerInfoRequest*,
                                                       v1::ServerInfo* response) {
  return RunUnary(context, queue_, [=, this] {
    *response = Info();
    return absl::OkStatus();
  });
}

v1::ServerInfo ServerService::Info() const {
  v1::ServerInfo info = facts_;
  info.set_libtorch_version(LibTorchVersion());
  for (const auto& device : ListDevices()) {
    auto& message = *info.add_devices();
    message.set_name(device.name);
    message.set_description(device.description);
    message.set_memory_bytes(device.memory_bytes);
  }
  for (const auto& entry : datasets_.List()) info.add_datasets(absl::StrCat("datasets/", entry.name));
  for (const auto& preset : ModelPresets()) info.add_model_presets(std::string(preset.name));
  for (auto& recipe : BuiltinRecipeNames()) info.add_recipes(std::move(recipe));
  return info;
}

}  // namespace mae
