#include "server/oip_parameters.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

using inference::InferParameter;

// Whole numbers up to here are exact in a double.
constexpr double kExactInDouble = 9007199254740992.0;
// What a parameter or tensor is called by a client may be anything; an error repeats so much of it.
constexpr size_t kShownBytes = 80;

// What the protocol has a meaning for, whether or not it has one here.
bool IsReserved(std::string_view name) {
  return name == "priority" || name == "timeout" || name == "headers" || name == "binary_data_output" ||
         name.starts_with("sequence_") || name.starts_with("triton_");
}

template <typename Number>
std::optional<Number> WholeNumber(const InferParameter& parameter) {
  Number number = 0;
  switch (parameter.parameter_choice_case()) {
    case InferParameter::kInt64Param:
      if (!std::in_range<Number>(parameter.int64_param())) return std::nullopt;
      return static_cast<Number>(parameter.int64_param());
    case InferParameter::kUint64Param:
      if (!std::in_range<Number>(parameter.uint64_param())) return std::nullopt;
      return static_cast<Number>(parameter.uint64_param());
    case InferParameter::kDoubleParam: {
      const double value = parameter.double_param();
      const bool is_whole = std::abs(value) <= kExactInDouble && std::trunc(value) == value;
      if (!is_whole || !std::in_range<Number>(static_cast<int64_t>(value))) return std::nullopt;
      return static_cast<Number>(value);
    }
    case InferParameter::kStringParam:
      if (!absl::SimpleAtoi(parameter.string_param(), &number)) return std::nullopt;
      return number;
    default:
      return std::nullopt;
  }
}

std::optional<double> AnyNumber(const InferParameter& parameter) {
  double number = 0;
  switch (parameter.parameter_choice_case()) {
    case InferParameter::kInt64Param:
      return static_cast<double>(parameter.int64_param());
    case InferParameter::kUint64Param:
      return static_cast<double>(parameter.uint64_param());
    case InferParameter::kDoubleParam:
      return parameter.double_param();
    case InferParameter::kStringParam:
      if (!absl::SimpleAtod(parameter.string_param(), &number)) return std::nullopt;
      return number;
    default:
      return std::nullopt;
  }
}

std::optional<bool> Truth(const InferParameter& parameter) {
  if (parameter.has_bool_param()) return parameter.bool_param();
  if (parameter.string_param() == "true") return true;
  if (parameter.string_param() == "false") return false;
  const auto number = WholeNumber<int64_t>(parameter);
  if (number == 0 || number == 1) return number == 1;
  return std::nullopt;
}

template <typename Value>
absl::StatusOr<std::optional<Value>> OrRefused(const std::string& name, const std::optional<Value>& value,
                                               std::string_view kind) {
  if (value.has_value()) return value;
  return InvalidField(name, absl::StrCat("must be ", std::string(kind)));
}

}  // namespace

const InferParameter* OipParameters::Find(const std::string& name) const {
  const auto it = parameters_.find(name);
  return it == parameters_.end() ? nullptr : &it->second;
}

absl::StatusOr<std::optional<int64_t>> OipParameters::Int(const std::string& name) const {
  const auto* parameter = Find(name);
  if (parameter == nullptr) return std::nullopt;
  return OrRefused(name, WholeNumber<int64_t>(*parameter), "a whole number");
}

absl::StatusOr<std::optional<uint64_t>> OipParameters::Uint(const std::string& name) const {
  const auto* parameter = Find(name);
  if (parameter == nullptr) return std::nullopt;
  return OrRefused(name, WholeNumber<uint64_t>(*parameter), "a whole number from 0 up");
}

absl::StatusOr<std::optional<double>> OipParameters::Double(const std::string& name) const {
  const auto* parameter = Find(name);
  if (parameter == nullptr) return std::nullopt;
  return OrRefused(name, AnyNumber(*parameter), "a number");
}

absl::StatusOr<std::vector<double>> OipParameters::Doubles(const std::string& name) const {
  const auto* parameter = Find(name);
  if (parameter == nullptr) return std::vector<double>();
  if (!parameter->has_string_param()) {
    MAE_ASSIGN_OR_RETURN(const auto number, Double(name));
    return std::vector<double>{*number};
  }
  std::vector<double> numbers;
  for (const auto text : absl::StrSplit(parameter->string_param(), ',')) {
    if (absl::SimpleAtod(text, &numbers.emplace_back())) continue;
    return InvalidField(name, "must be a number, or numbers with commas between them");
  }
  return numbers;
}

absl::StatusOr<std::optional<bool>> OipParameters::Bool(const std::string& name) const {
  const auto* parameter = Find(name);
  if (parameter == nullptr) return std::nullopt;
  return OrRefused(name, Truth(*parameter), "true or false");
}

absl::StatusOr<std::optional<std::string>> OipParameters::Text(const std::string& name) const {
  const auto* parameter = Find(name);
  if (parameter == nullptr) return std::nullopt;
  std::optional<std::string> text;
  if (parameter->has_string_param()) text = parameter->string_param();
  return OrRefused(name, text, "a text");
}

absl::Status OipParameters::CheckKnown(std::initializer_list<std::string_view> names,
                                       const std::string& of) const {
  for (const auto& [name, value] : parameters_) {
    if (IsReserved(name) || std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string has =
        names.size() == 0
            ? "it has none"
            : absl::StrCat("it has ",
                           absl::StrJoin(names, ", ", [](std::string* out, std::string_view known) {
                             out->append(known);
                           }));
    return InvalidField(
        "parameters", absl::StrCat(of, " has no parameter \"", absl::string_view(name).substr(0, kShownBytes),
                                   "\"; ", has));
  }
  return absl::OkStatus();
}

}  // namespace mae
