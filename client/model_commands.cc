#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "client/job_progress.h"
#include "client/output.h"
#include "client/readable.h"
#include "client/resource_name.h"
#include "client/table.h"
#include "client/verb_registry.h"
#include "mae/v1/model.grpc.pb.h"

namespace mae {
namespace {

std::string Score(const v1::ModelVersion& version) {
  for (const char* name : {"accuracy", "validation_loss", "loss"}) {
    const auto value = version.metrics().find(name);
    if (value != version.metrics().end()) return absl::StrCat(name, " ", ReadableNumber(value->second));
  }
  return "";
}

std::string AliasesOf(const v1::Model& model, int64_t version) {
  std::vector<std::string> names;
  for (const auto& [alias, of] : model.aliases()) {
    if (of == version) names.push_back(alias);
  }
  std::sort(names.begin(), names.end());
  return absl::StrJoin(names, ", ");
}

std::string ImageShape(const v1::ModelVersion& version) {
  return absl::StrCat(version.image_height(), "x", version.image_width(), "x", version.channels(), " / ",
                      version.patch_size());
}

std::string LoadedText(const v1::ModelVersion& version) {
  if (!version.loaded()) return "no";
  return version.pinned() ? "pinned" : "yes";
}

// Where a row stands for all versions of a model: those in memory by number.
std::string LoadedVersions(const v1::Model& model) {
  std::vector<std::string> loaded;
  for (const v1::ModelVersion& version : model.versions()) {
    if (version.loaded())
      loaded.push_back(absl::StrCat(version.version(), version.pinned() ? " pinned" : ""));
  }
  return loaded.empty() ? "no" : absl::StrJoin(loaded, ", ");
}

void AddRow(const v1::Model& model, const v1::ModelVersion& version, const std::string& loaded,
            Table& table) {
  table.Add({ShortName(model.name()), absl::StrCat(version.version()), AliasesOf(model, version.version()),
             version.kind(), ImageShape(version), Grouped(version.parameters()), version.dataset(),
             Score(version), loaded, TimeAgo(version.create_time(), absl::Now())});
}

Table EmptyTable() {
  return Table({"MODEL", "VERSION", "ALIASES", "KIND", "IMAGE / PATCH", "PARAMETERS", "DATASET", "SCORE",
                "LOADED", "CREATED"});
}

absl::Status ListModels(Session& session) {
  v1::ListModelsRequest request;
  v1::ListModelsResponse all;
  do {
    MAE_ASSIGN_OR_RETURN(const auto page,
                         session.Call<v1::ModelService>(&v1::ModelService::Stub::ListModels, request));
    all.mutable_models()->MergeFrom(page.models());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (all.models().empty()) session.Note("no models yet: a job with --model NAME publishes one");
  return WriteMessage(session.options.format, all, [&] {
    Table table = EmptyTable();
    for (const v1::Model& model : all.models()) {
      if (model.versions_size() > 0) AddRow(model, model.versions(0), LoadedVersions(model), table);
    }
    return table.Text();
  });
}

std::string VersionFields(const v1::Model& model, const v1::ModelVersion& version) {
  return FieldLines({{"version", version.name()},
                     {"aliases", AliasesOf(model, version.version())},
                     {"kind", version.kind()},
                     {"image / patch", ImageShape(version)},
                     {"parameters", Grouped(version.parameters())},
                     {"labels", absl::StrJoin(version.labels(), ", ")},
                     {"metrics", MetricsText({version.metrics().begin(), version.metrics().end()})},
                     {"job", version.job()},
                     {"recipe", version.recipe()},
                     {"dataset", version.dataset()},
                     {"parent", version.parent()},
                     {"sha256", version.sha256()},
                     {"source", version.source()},
                     {"licence", version.license()},
                     {"loaded", LoadedText(version)},
                     {"created", LocalTime(version.create_time())}});
}

absl::Status GetModel(Session& session, const std::string& name) {
  v1::GetModelRequest request;
  request.set_name(ResourceName("models", name));
  MAE_ASSIGN_OR_RETURN(const auto model,
                       session.Call<v1::ModelService>(&v1::ModelService::Stub::GetModel, request));
  return WriteMessage(session.options.format, model, [&] {
    if (model.versions_size() == 1) return VersionFields(model, model.versions(0));
    Table table = EmptyTable();
    for (const auto& version : model.versions()) AddRow(model, version, LoadedText(version), table);
    return table.Text();
  });
}

}  // namespace

void AddModelCommands(VerbRegistry& verbs) {
  CLI::App* list =
      verbs.Add("Models", "list-models", "Published models, each with its newest version", "list-models");
  verbs.OnChosen(list, [&verbs] { return ListModels(verbs.session()); });
  CLI::App* get = verbs.Add("Models", "get-model", "A model's versions, or one version in full",
                            "get-model fashion-mae\nget-model fashion-mae@latest");
  auto name = std::make_shared<std::string>();
  get->add_option("model", *name, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  verbs.OnChosen(get, [&verbs, name] { return GetModel(verbs.session(), *name); });
}

}  // namespace mae
