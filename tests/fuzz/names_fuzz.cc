#include <cctype>

#include "server/dataset_store.h"
#include "server/oip_model_name.h"
#include "server/request_id.h"
#include "serving/model_name.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"

namespace {

// [a-z0-9][a-z0-9._-]{0,62}: the name of a folder and nothing else.
bool IsPlainName(std::string_view name) {
  if (name.empty() || name.size() > 63 || std::string_view("._-").find(name[0]) != std::string_view::npos)
    return false;
  for (const char c : name) {
    const bool known = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!known) return false;
  }
  return true;
}

void CheckReference(std::string_view name) {
  const auto reference = mae::ParseModelName(name);
  if (!reference.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(reference.status()));
    FUZZ_REQUIRE(reference.status().message().size() < 1024);
    return;
  }
  FUZZ_REQUIRE(IsPlainName(reference->model) && reference->version >= 0);
  FUZZ_REQUIRE(reference->alias.empty() || IsPlainName(reference->alias));
  std::string full = "models/" + reference->model;
  if (reference->version != 0) full += "/versions/" + std::to_string(reference->version);
  if (!reference->alias.empty()) full += "@" + reference->alias;
  const auto again = mae::ParseModelName(full);
  FUZZ_REQUIRE(again.ok() && again->model == reference->model);
  FUZZ_REQUIRE(again->version == reference->version && again->alias == reference->alias);
}

// What reads a name of the Open Inference Protocol, a store can look up.
void CheckQuery(std::string_view name, std::string_view version) {
  const auto query = mae::ReadModelName("model_", name, version);
  if (query.ok()) FUZZ_REQUIRE(mae::ParseModelName(query->model).ok());
  if (!query.ok()) FUZZ_REQUIRE(absl::IsInvalidArgument(query.status()));
}

void CheckRequestId(const std::string& value) {
  const std::string id = mae::RequestIdOf({{"x-request-id", {value.data(), value.size()}}});
  FUZZ_REQUIRE(id.size() <= 128 && (id.empty() || id == value));
  for (const char c : id) FUZZ_REQUIRE(std::isgraph(static_cast<unsigned char>(c)) != 0);
}

}  // namespace

// A name, and on the next line a version.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mae::InputBytes input(data, size);
  const std::string name(input.Line()), version(input.Rest());
  CheckReference(name);
  CheckQuery(name, version);
  CheckRequestId(name);
  if (mae::CheckAlias("alias", name).ok()) FUZZ_REQUIRE(IsPlainName(name) && name != "latest");
  FUZZ_REQUIRE(mae::CheckName("name", name).ok() == IsPlainName(name));
  FUZZ_REQUIRE(mae::DatasetShortName("datasets/" + name) == name);
  return 0;
}
