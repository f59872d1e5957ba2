#include "client/start_commands.h"

#include <filesystem>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/output.h"
#include "client/verb_registry.h"
#include "client/watch_command.h"
#include "mae/v1/job.grpc.pb.h"
#include "recipe/builtin_recipes.h"
#include "recipe/from_model.h"
#include "recipe/recipe_yaml.h"

namespace mae {
namespace {

constexpr int64_t kMaxRecipeBytes = 1 << 20;
/// Tries of CreateJob while there is no server: one request_id makes one job, however often it is sent.
constexpr int kCreateTries = 3;
constexpr absl::Duration kCreatePause = absl::Milliseconds(300);

std::string VerbOf(const std::string& field) {
  return absl::StrCat("start-", absl::StrReplaceAll(field, {{"_", "-"}}));
}

bool IsFile(const std::string& recipe) {
  return absl::EndsWith(recipe, ".yaml") || absl::EndsWith(recipe, ".yml") || absl::StrContains(recipe, '/');
}

absl::StatusOr<v1::JobSpec> ReadRecipe(const std::string& recipe) {
  if (recipe.empty()) return v1::JobSpec();
  if (!IsFile(recipe)) {
    MAE_ASSIGN_OR_RETURN(const std::string yaml, BuiltinRecipe(recipe));
    return ParseRecipe(yaml);
  }
  MAE_ASSIGN_OR_RETURN(const std::string yaml, ReadFile(recipe, kMaxRecipeBytes));
  absl::StatusOr<v1::JobSpec> spec = ParseRecipe(yaml);
  if (spec.ok()) return spec;
  return absl::Status(spec.status().code(), absl::StrCat(recipe, ": ", spec.status().message()));
}

absl::Status SetKind(v1::JobSpec::KindCase kind, const std::string& recipe, v1::JobSpec& spec) {
  if (spec.kind_case() == kind) return absl::OkStatus();
  if (spec.kind_case() != v1::JobSpec::KIND_NOT_SET) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--recipe ", recipe, " is for another kind of job: use `mae_client ", VerbOf(KindNameOf(spec)), "`"));
  }
  spec.GetReflection()->MutableMessage(&spec, v1::JobSpec::descriptor()->FindFieldByNumber(kind));
  return absl::OkStatus();
}

// @param request_id of this run, unless the options have another.
v1::CreateJobRequest RequestFrom(const StartOptions& options, v1::JobSpec spec,
                                 const std::string& request_id) {
  v1::CreateJobRequest request;
  *request.mutable_spec() = std::move(spec);
  request.set_request_id(options.request_id.empty() ? request_id : options.request_id);
  request.set_validate_only(options.dry_run);
  request.set_recipe(IsFile(options.recipe) ? std::filesystem::path(options.recipe).stem().string()
                                            : options.recipe);
  return request;
}

absl::StatusOr<v1::Job> Create(Session& session, const v1::CreateJobRequest& request) {
  absl::StatusOr<v1::Job> job;
  for (int attempt = 1; attempt <= kCreateTries; ++attempt) {
    job = session.Call<v1::JobService>(&v1::JobService::Stub::CreateJob, request);
    if (!absl::IsUnavailable(job.status())) break;
    if (attempt < kCreateTries) absl::SleepFor(kCreatePause * attempt);
  }
  if (absl::IsUnavailable(job.status()) || absl::IsDeadlineExceeded(job.status())) {
    session.Note(absl::StrCat("to send it again without making a second job, add:  --request-id ",
                              request.request_id()));
  }
  if (!job.ok()) return NameOptions(job.status(), {{"request_id", "--request-id"}});
  return job;
}

absl::Status WriteSpec(OutputFormat format, const v1::Job& job) {
  if (format == OutputFormat::kJson) return WriteMessage(format, job.spec(), nullptr);
  WriteStdout(RecipeToYaml(job.spec()));
  return absl::OkStatus();
}

void NoteNext(Session& session, const std::string& job) {
  session.Note(absl::StrCat("watch it:  ", session.CommandFor("watch " + job)));
  session.Note(absl::StrCat("stop it:   ", session.CommandFor("stop-job " + job)));
}

absl::Status Start(Session& session, v1::JobSpec::KindCase kind, const StartOptions& options) {
  MAE_ASSIGN_OR_RETURN(v1::JobSpec spec, SpecFrom(kind, options));
  MAE_ASSIGN_OR_RETURN(const Connection* connection, session.Connect());
  MAE_ASSIGN_OR_RETURN(const v1::Job job,
                       Create(session, RequestFrom(options, std::move(spec), connection->request_id())));
  if (options.dry_run) return WriteSpec(session.options.format, job);
  if (session.options.format == OutputFormat::kTable || options.watch) {
    WriteStdout(job.name() + "\n");
  } else {
    MAE_RETURN_IF_ERROR(WriteMessage(session.options.format, job, nullptr));
  }
  MAE_RETURN_IF_ERROR(FlushStdout());
  if (!options.watch) {
    NoteNext(session, job.name());
    return absl::OkStatus();
  }
  WatchOptions watch;
  watch.job = job.name();
  watch.reconnect_seconds = options.reconnect_seconds;
  return WatchJob(session, watch);
}

const char* WhatFromMeans(v1::JobSpec::KindCase kind) {
  if (kind == v1::JobSpec::kEvaluate) return "Measure MODEL[@ALIAS]";
  if (kind == v1::JobSpec::kFinetune)
    return "Start from the encoder of MODEL[@ALIAS]; without it from scratch";
  return "Look through the encoder of MODEL[@ALIAS]";
}

void AddStart(VerbRegistry& verbs, v1::JobSpec::KindCase kind, CLI::App* verb) {
  auto options = std::make_shared<StartOptions>();
  verb->add_option("--recipe", options->recipe,
                   "A built-in recipe by NAME (server-info lists them) or a FILE.yaml");
  verb->add_option("--dataset", options->dataset, "Work on this dataset");
  if (kind != v1::JobSpec::kKnnProbe && kind != v1::JobSpec::kEvaluate) {
    verb->add_option("--model", options->model, "Publish the result as a version of this model");
  }
  if (kind != v1::JobSpec::kPretrain) {
    verb->add_option("--from", options->from, WhatFromMeans(kind));
  }
  verb->add_option("--launcher", options->launcher,
                   "Who gives the job its processors: local, the server's machine, or slurm")
      ->check(CLI::IsMember({"local", "slurm"}));
  verb->add_option("--set", options->overrides,
                   "Set one field of the recipe: path.to.field=value (may be repeated)")
      ->allow_extra_args(false);
  AddFollowOptions(verb, options->watch, options->reconnect_seconds);
  verb->add_flag("--dry-run", options->dry_run,
                 "Only check, and print the recipe with every default written out");
  verb->add_option("--request-id", options->request_id,
                   "UUID; the same one sent twice makes one job. Default: a fresh one");
  verbs.OnChosen(verb, [&verbs, kind, options] { return Start(verbs.session(), kind, *options); });
}

void AddProbeCommands(VerbRegistry& verbs) {
  AddStart(
      verbs, v1::JobSpec::kLinearProbe,
      verbs.Add("Train", "start-linear-probe", "Train a linear classifier over a frozen encoder",
                "start-linear-probe --recipe fashion-mnist-linear-probe --from fashion-mae --model "
                "fashion-probe --watch\n"
                "start-linear-probe --from fashion-mae --dataset fashion-mnist --set schedule.epochs=20"));
  AddStart(
      verbs, v1::JobSpec::kKnnProbe,
      verbs.Add("Train", "start-knn-probe", "Label images by those most like them to a frozen encoder",
                "start-knn-probe --recipe fashion-mnist-knn-probe --from fashion-mae --watch\n"
                "start-knn-probe --from fashion-mae --dataset fashion-mnist --set knn_probe.neighbors=5"));
  AddStart(verbs, v1::JobSpec::kEvaluate,
           verbs.Add("Train", "start-evaluate", "Measure a published model on a dataset",
                     "start-evaluate --from fashion-classifier --dataset fashion-mnist --watch\n"
                     "start-evaluate --from fashion-classifier --dataset fashion-mnist --set "
                     "evaluate.split=train"));
}

}  // namespace

absl::StatusOr<v1::JobSpec> SpecFrom(v1::JobSpec::KindCase kind, const StartOptions& options) {
  MAE_ASSIGN_OR_RETURN(v1::JobSpec spec, ReadRecipe(options.recipe));
  MAE_RETURN_IF_ERROR(SetKind(kind, options.recipe, spec));
  if (!options.dataset.empty()) spec.mutable_data()->set_dataset(options.dataset);
  if (!options.model.empty()) spec.mutable_publish()->set_model(options.model);
  if (!options.from.empty()) SetFromModel(options.from, spec);
  if (!options.launcher.empty())
    MAE_RETURN_IF_ERROR(ApplyOverride("resources.launcher=" + options.launcher, spec));
  for (const std::string& assignment : options.overrides) {
    const absl::Status applied = ApplyOverride(assignment, spec);
    if (!applied.ok()) {
      return absl::Status(applied.code(), absl::StrCat("--set ", assignment, ": ", applied.message()));
    }
  }
  return spec;
}

void AddStartCommands(VerbRegistry& verbs) {
  AddStart(verbs, v1::JobSpec::kPretrain,
           verbs.Add("Train", "start-pretrain", "Pretrain a masked autoencoder",
                     "start-pretrain --recipe fashion-mnist-pretrain --model fashion-mae --watch\n"
                     "start-pretrain --recipe my.yaml --set schedule.epochs=20 --dry-run"));
  AddStart(
      verbs, v1::JobSpec::kFinetune,
      verbs.Add(
          "Train", "start-finetune", "Train a classifier, from a pretrained model or from scratch",
          "start-finetune --recipe fashion-mnist-finetune --from fashion-mae --model fashion-classifier\n"
          "start-finetune --recipe fashion-mnist-finetune --from fashion-mae@latest --set "
          "data.batch_size=64"));
  AddProbeCommands(verbs);
}

}  // namespace mae
