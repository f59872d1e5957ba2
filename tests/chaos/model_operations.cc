#include "tests/chaos/model_operations.h"

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"

namespace mae {
namespace {

// In the order in which they are sent, with their bytes.
std::vector<std::pair<std::string, std::string>> FilesOf(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const char* name : {"model.safetensors", "config.json"})
    files.emplace_back(name, *ReadFile(folder / name));
  return files;
}

}  // namespace

std::string VersionName(const std::pair<std::string, int64_t>& version) {
  return absl::StrCat("models/", version.first, "/versions/", version.second);
}

ModelOperations::ModelOperations(ChaosServer& server, Acknowledged& known, Choices& choices, Journal& journal,
                                 std::vector<std::filesystem::path> weights)
    : server_(server), known_(known), choices_(choices), journal_(journal), weights_(std::move(weights)) {}

void ModelOperations::Import(const std::string& model) {
  const auto files = FilesOf(choices_.OneOf(weights_));
  v1::ImportModelResponse response;
  const auto context = CallContext();
  const auto stream = server_.models().ImportModel(context.get(), &response);
  v1::ImportModelRequest request;
  request.mutable_options()->set_model(model);
  for (const auto& [name, content] : files) {
    auto& file = *request.mutable_options()->add_files();
    file.set_name(name);
    file.set_bytes(static_cast<int64_t>(content.size()));
  }
  bool goes_on = stream->Write(request);
  for (const auto& [name, content] : files) {
    request.mutable_piece()->set_file(name);
    request.mutable_piece()->set_data(content);
    goes_on = goes_on && stream->Write(request);
  }
  stream->WritesDone();
  const Outcome outcome = OutcomeOf(stream->Finish(), "import " + model, journal_);
  if (outcome == Outcome::kUnknown) ++known_.unanswered_imports;
  if (outcome != Outcome::kDone) return;
  journal_.Did("  it is " + response.version().name());
  const auto [at, is_new] = known_.versions.try_emplace({model, response.version().version()});
  journal_.Check(is_new, response.version().name() + " was given out twice");
  at->second.sha256 = response.version().sha256();
}

void ModelOperations::NoteAlias(const std::string& model, const std::string& alias, int64_t version,
                                Outcome outcome) {
  std::set<int64_t>& may = known_.aliases.try_emplace({model, alias}, std::set<int64_t>{0}).first->second;
  if (outcome == Outcome::kDone) may = {version};
  if (outcome == Outcome::kUnknown) may.insert(version);
}

void ModelOperations::SetAlias(const Version& version, const std::string& alias) {
  v1::SetAliasRequest request;
  request.set_name("models/" + version.first);
  request.set_alias(alias);
  request.set_version(version.second);
  v1::Model model;
  const auto status = server_.models().SetAlias(CallContext().get(), request, &model);
  NoteAlias(version.first, alias, version.second,
            OutcomeOf(status, "alias " + alias + " to " + VersionName(version), journal_));
}

void ModelOperations::RemoveAlias(const std::string& model, const std::string& alias) {
  v1::SetAliasRequest request;
  request.set_name("models/" + model);
  request.set_alias(alias);
  v1::Model shown;
  const auto status = server_.models().SetAlias(CallContext().get(), request, &shown);
  NoteAlias(model, alias, 0, OutcomeOf(status, "no alias " + alias + " of " + model, journal_));
}

void ModelOperations::DeleteVersion(const Version& version) {
  v1::DeleteModelVersionRequest request;
  request.set_name(VersionName(version));
  google::protobuf::Empty nothing;
  const auto status = server_.models().DeleteModelVersion(CallContext().get(), request, &nothing);
  const Outcome outcome = OutcomeOf(status, "delete " + VersionName(version), journal_);
  if (outcome == Outcome::kUnknown) known_.versions[version].presence = Presence::kUnknown;
  if (outcome == Outcome::kDone) known_.versions[version].presence = Presence::kGone;
}

Outcome ModelOperations::Infer(const std::string& name) {
  v1::ClassifyRequest request;
  request.set_model(name);
  v1::RawImage& image = *request.add_images()->mutable_raw();
  image.set_data_type(v1::RawImage::UINT8_HWC);
  for (const int size : {8, 12, 1}) image.add_shape(size);
  image.set_data(std::string(8 * 12, '\x5a'));
  v1::ClassifyResponse response;
  const auto status = server_.inference().Classify(CallContext().get(), request, &response);
  return OutcomeOf(status, "classify with " + name, journal_);
}

void ModelOperations::Load(const Version& version) {
  v1::LoadModelRequest request;
  request.set_name(VersionName(version));
  v1::ModelVersion shown;
  OutcomeOf(server_.models().LoadModel(CallContext().get(), request, &shown), "load " + VersionName(version),
            journal_);
}

}  // namespace mae
