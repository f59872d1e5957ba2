#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "client/option_values.h"
#include "client/output.h"
#include "client/resource_name.h"
#include "client/table.h"
#include "client/verb_registry.h"
#include "mae/v1/model.grpc.pb.h"

/// What becomes of a model once it is published: who is served which version, and which are in memory.
namespace mae {
namespace {

struct AliasOptions {
  std::string model, alias;
  int64_t version = 0;  ///< 0: remove the alias
  bool remove = false;
};

std::string AliasLines(const v1::Model& model) {
  std::vector<std::string> aliases;
  for (const auto& [alias, version] : model.aliases()) {
    aliases.push_back(absl::StrCat(alias, " ", version));
  }
  std::sort(aliases.begin(), aliases.end());
  return FieldLines({{"model", model.name()}, {"aliases", absl::StrJoin(aliases, ", ")}});
}

absl::Status SetAlias(Session& session, const AliasOptions& options) {
  if (options.remove == (options.version != 0)) {
    return absl::InvalidArgumentError("give the VERSION that the alias is to stand for, or --remove");
  }
  v1::SetAliasRequest request;
  request.set_name(ResourceName("models", options.model));
  request.set_alias(options.alias);
  request.set_version(options.version);
  MAE_ASSIGN_OR_RETURN(const auto model,
                       session.Call<v1::ModelService>(&v1::ModelService::Stub::SetAlias, request));
  return WriteMessage(session.options.format, model, [&] { return AliasLines(model); });
}

absl::Status DeleteModel(Session& session, const std::string& name) {
  v1::DeleteModelVersionRequest request;
  request.set_name(ResourceName("models", name));
  MAE_RETURN_IF_ERROR(
      session.Call<v1::ModelService>(&v1::ModelService::Stub::DeleteModelVersion, request).status());
  session.Note(absl::StrCat("deleted ", request.name()));
  return absl::OkStatus();
}

absl::Status LoadModel(Session& session, const std::string& name, std::optional<bool> pin) {
  v1::LoadModelRequest request;
  request.set_name(ResourceName("models", name));
  if (pin.has_value()) request.set_pin(*pin);
  MAE_ASSIGN_OR_RETURN(const auto version,
                       session.Call<v1::ModelService>(&v1::ModelService::Stub::LoadModel, request));
  session.Note(absl::StrCat(version.name(), " is in memory", version.pinned() ? " and pinned" : ""));
  return absl::OkStatus();
}

// Whether the version that a name means now is pinned; not, as far as the server can't say. One that does not
// answer at all is not waited for a second time.
absl::StatusOr<bool> IsPinned(Session& session, const std::string& name) {
  v1::GetModelRequest request;
  request.set_name(name);
  const auto model = session.Call<v1::ModelService>(&v1::ModelService::Stub::GetModel, request);
  if (absl::IsUnavailable(model.status()) || absl::IsDeadlineExceeded(model.status())) return model.status();
  return model.ok() && model->versions_size() > 0 && model->versions(0).pinned();
}

absl::Status UnloadModel(Session& session, const std::string& name) {
  v1::UnloadModelRequest request;
  request.set_name(ResourceName("models", name));
  MAE_ASSIGN_OR_RETURN(const bool pinned, IsPinned(session, request.name()));
  MAE_ASSIGN_OR_RETURN(const auto version,
                       session.Call<v1::ModelService>(&v1::ModelService::Stub::UnloadModel, request));
  session.Note(absl::StrCat(version.name(), " is out of memory",
                            pinned ? "; it was pinned, and will not be when it is loaded again" : ""));
  return absl::OkStatus();
}

void AddSetAlias(VerbRegistry& verbs) {
  CLI::App* verb =
      verbs.Add("Models", "set-alias", "Serve another version under an alias, once it is in memory",
                "set-alias fashion-mae prod 3\nset-alias fashion-mae prod --remove");
  auto options = std::make_shared<AliasOptions>();
  verb->add_option("model", options->model, "The model")->required();
  verb->add_option("alias", options->alias, "The alias; latest moves by itself")->required();
  auto* version = verb->add_option("version", options->version, "The version's number")->check(OneOrMore());
  verb->add_flag("--remove", options->remove, "Remove the alias")->excludes(version);
  verbs.OnChosen(verb, [&verbs, options] { return SetAlias(verbs.session(), *options); });
}

void AddDelete(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Models", "delete-model", "Remove a version that no alias and no job needs",
                             "delete-model fashion-mae/versions/2");
  auto name = std::make_shared<std::string>();
  verb->add_option("version", *name, "MODEL/versions/N")->required();
  verbs.OnChosen(verb, [&verbs, name] { return DeleteModel(verbs.session(), *name); });
}

void AddLoadAndUnload(VerbRegistry& verbs) {
  CLI::App* load = verbs.Add("Models", "load-model", "Bring a model into memory before its first request",
                             "load-model fashion-mae@prod\nload-model fashion-mae@prod --pin\n"
                             "load-model fashion-mae@prod --unpin");
  auto name = std::make_shared<std::string>();
  auto pin = std::make_shared<std::optional<bool>>();
  load->add_option("model", *name, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  auto* keep = load->add_flag_callback(
      "--pin", [pin] { *pin = true; }, "Keep it there when others make room");
  load->add_flag_callback(
          "--unpin", [pin] { *pin = false; }, "Take the pin away; without either it stays as it was")
      ->excludes(keep);
  verbs.OnChosen(load, [&verbs, name, pin] { return LoadModel(verbs.session(), *name, *pin); });
  CLI::App* unload = verbs.Add("Models", "unload-model", "Free a model's memory once its requests have ended",
                               "unload-model fashion-mae/versions/1");
  auto unloaded = std::make_shared<std::string>();
  unload->add_option("model", *unloaded, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  verbs.OnChosen(unload, [&verbs, unloaded] { return UnloadModel(verbs.session(), *unloaded); });
}

}  // namespace

void AddModelLifeCommands(VerbRegistry& verbs) {
  AddSetAlias(verbs);
  AddDelete(verbs);
  AddLoadAndUnload(verbs);
}

}  // namespace mae
