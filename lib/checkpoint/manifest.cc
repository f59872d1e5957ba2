#include "checkpoint/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

// -1 for whatever else lies in the folder.
int64_t StepOf(const std::filesystem::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  absl::string_view digits = name;
  int64_t step = -1;
  if (!absl::ConsumePrefix(&digits, "step-") || !absl::SimpleAtoi(digits, &step)) return -1;
  std::error_code ignored;
  return name == CheckpointFolderName(step) && entry.is_directory(ignored) ? step : -1;
}

// nlohmann's own conversion takes 1e300 too, which no integer is.
int64_t WholeNumber(const json& value) {
  if (!value.is_number_integer()) throw std::invalid_argument("a number is not whole");
  return value.get<int64_t>();
}

Manifest ManifestFrom(const json& object) {
  if (WholeNumber(object.at("format")) != kFormat) throw std::invalid_argument("format is not 1");
  Manifest manifest;
  for (const auto& [name, file] : object.at("files").items()) {
    const bool plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
    if (!plain) throw std::invalid_argument(absl::StrCat("'", name, "' is no file name"));
    manifest[name] = {WholeNumber(file.at("bytes")), file.at("sha256").get<std::string>()};
  }
  return manifest;
}

absl::Status VerifyFile(const std::filesystem::path& path, const FileDigest& wanted, ReadThrough through) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error == std::errc::no_such_file_or_directory) {
    return absl::DataLossError(absl::StrCat(path.string(), " is missing"));
  }
  if (error) return SystemError("examine", path, error.value());
  if (static_cast<int64_t>(size) != wanted.bytes) {
    return absl::DataLossError(
        absl::StrCat(path.string(), " has ", size, " bytes, the manifest says ", wanted.bytes));
  }
  MAE_ASSIGN_OR_RETURN(const FileDigest found, DigestFile(path, through));
  if (found == wanted) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path.string(), " is damaged: its SHA-256 is ", found.sha256,
                                          ", the manifest says ", wanted.sha256));
}

}  // namespace

std::string CheckpointFolderName(int64_t step) { return absl::StrFormat("step-%09d", step); }

absl::StatusOr<std::vector<int64_t>> ListCheckpointSteps(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<int64_t> steps;
  std::filesystem::directory_iterator entries(folder, error);
  if (error == std::errc::no_such_file_or_directory) return steps;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (const int64_t step = StepOf(*entries); step >= 0) steps.push_back(step);
  }
  if (error) return SystemError("list", folder, error.value());
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::string ManifestToJson(const Manifest& manifest) {
  json files = json::object();
  for (const auto& [name, digest] : manifest)
    files[name] = {{"bytes", digest.bytes}, {"sha256", digest.sha256}};
  return json{{"format", kFormat}, {"files", files}}.dump(2) + "\n";
}

absl::StatusOr<Manifest> ManifestFromJson(const std::string& text) {
  try {
    return ManifestFrom(json::parse(text));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("manifest.json: ", error.what()));
  }
}

absl::Status VerifyManifest(const std::filesystem::path& folder, const Manifest& manifest,
                            ReadThrough through) {
  for (const auto& [name, wanted] : manifest) {
    MAE_RETURN_IF_ERROR(VerifyFile(folder / name, wanted, through));
  }
  return absl::OkStatus();
}

}  // namespace mae
