#include "serving/model_name.h"

#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "options/model_limits.h"
#include "serving/model_version.h"

namespace mae {
namespace {

constexpr std::string_view kLettersAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789._-";
constexpr size_t kMaxName = 63;

std::string Shown(std::string_view name) {
  return absl::StrCat("\"", absl::CHexEscape(std::string(name.substr(0, 80))), name.size() > 80 ? "…" : "",
                      "\"");
}

}  // namespace

std::string ModelVersion::resource_name() const {
  return absl::StrCat("models/", model, "/versions/", version);
}

absl::Status CheckName(std::string_view field, std::string_view name) {
  if (!name.empty() && name.size() <= kMaxName && kLettersAndDigits.find(name[0]) != std::string_view::npos &&
      name.find_first_not_of(kNameCharacters) == std::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(field), ": ", Shown(name), " must be 1 to ", kMaxName,
                   " of a-z, 0-9, '.', '_', '-', and begin with a letter or digit"));
}

absl::Status CheckAlias(std::string_view field, std::string_view alias) {
  MAE_RETURN_IF_ERROR(CheckName(field, alias));
  if (alias == "latest") {
    return absl::InvalidArgumentError(absl::StrCat(
        std::string(field), ": \"latest\" always is the newest version and moves by itself: leave it out"));
  }
  if (alias.find_first_not_of("0123456789") != std::string_view::npos) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(std::string(field), ": ", Shown(alias),
                                                 " would be taken for the number of a version: "
                                                 "have a letter in it, as in v",
                                                 std::string(alias)));
}

absl::Status CheckAliases(std::string_view field, const std::vector<std::string>& aliases) {
  if (aliases.size() > size_t{kMaxAliases}) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(field), ": has ", aliases.size(),
                                                   " names; at most ", kMaxAliases, " are taken"));
  }
  std::set<std::string> seen;
  for (const auto& alias : aliases) {
    MAE_RETURN_IF_ERROR(CheckAlias(field, alias));
    if (!seen.insert(alias).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(std::string(field), ": ", Shown(alias), " is there twice: leave one out"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ModelReference> ParseModelName(std::string_view name) {
  constexpr std::string_view kPrefix = "models/", kVersions = "/versions/";
  std::string_view rest = name;
  if (rest.starts_with(kPrefix)) rest.remove_prefix(kPrefix.size());
  ModelReference reference;
  if (const auto slash = rest.find(kVersions); slash != std::string_view::npos) {
    const std::string number(rest.substr(slash + kVersions.size()));
    if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos ||
        !absl::SimpleAtoi(number, &reference.version) || reference.version < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("model: ", Shown(name), ": a version is a number from 1, as in models/m/versions/3"));
    }
    rest = rest.substr(0, slash);
  } else if (const auto at = rest.find('@'); at != std::string_view::npos) {
    reference.alias = rest.substr(at + 1);
    rest = rest.substr(0, at);
    MAE_RETURN_IF_ERROR(CheckName("model: alias", reference.alias));
  }
  MAE_RETURN_IF_ERROR(CheckName("model", rest));
  reference.model = rest;
  return reference;
}

}  // namespace mae
