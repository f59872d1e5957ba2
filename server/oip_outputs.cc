#include "server/oip_outputs.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "server/oip_datatype.h"
#include "server/oip_parameters.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

using inference::ModelInferResponse;

static_assert(std::endian::native == std::endian::little);

constexpr size_t kMaxOutputNameShown = 80;

bool HasClasses(std::string_view output) { return output == "probabilities" || output == "logits"; }

absl::Status CheckOutputParameters(const OipParameters& parameters, const std::string& name) {
  const std::string of = absl::StrCat("output \"", name, "\"");
  return HasClasses(name) ? parameters.CheckKnown({"classification", "binary_data"}, of)
                          : parameters.CheckKnown({"binary_data"}, of);
}

absl::StatusOr<ChosenOutput> ReadOutput(
    const inference::ModelInferRequest::InferRequestedOutputTensor& output) {
  ChosenOutput chosen{output.name()};
  if (output.parameters().contains("shared_memory_region")) {
    return InvalidField(output.name(), "there is no shared memory here; take the values from the message");
  }
  const OipParameters parameters(output.parameters());
  MAE_RETURN_IF_ERROR(CheckOutputParameters(parameters, output.name()));
  MAE_ASSIGN_OR_RETURN(const auto classes, parameters.Int("classification"));
  if (!classes.has_value()) return chosen;
  if (*classes < 1) {
    return InvalidField("classification",
                        absl::StrCat(*classes, " classes of \"", output.name(), "\"; at least 1"));
  }
  chosen.classes = *classes;
  return chosen;
}

void AddTensor(const std::string& name, inference::DataType type, const std::vector<int64_t>& shape,
               std::string raw, ModelInferResponse& response) {
  auto& tensor = *response.add_outputs();
  tensor.set_name(name);
  tensor.set_datatype(std::string(DatatypeName(type)));
  tensor.mutable_shape()->Assign(shape.begin(), shape.end());
  response.add_raw_output_contents(std::move(raw));
}

template <typename Value>
std::string BytesOf(const std::vector<Value>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value)};
}

}  // namespace

absl::StatusOr<std::vector<ChosenOutput>> ChooseOutputs(const inference::ModelInferRequest& request,
                                                        const ModelSignature& signature) {
  std::vector<ChosenOutput> chosen;
  for (const auto& output : request.outputs()) {
    const std::string shown(absl::string_view(output.name()).substr(0, kMaxOutputNameShown));
    if (signature.FindOutput(output.name()) == nullptr) {
      const auto names =
          absl::StrJoin(signature.outputs, ", ",
                        [](std::string* out, const TensorSpec& known) { out->append(known.name); });
      return InvalidField("outputs", absl::StrCat("the model gives no \"", shown, "\"; it gives ", names));
    }
    if (IsChosen(chosen, output.name())) {
      return InvalidField("outputs", absl::StrCat("\"", shown, "\" is there twice"));
    }
    MAE_ASSIGN_OR_RETURN(auto read, ReadOutput(output));
    chosen.push_back(std::move(read));
  }
  if (!chosen.empty()) return chosen;
  for (const TensorSpec& output : signature.outputs) {
    if (output.by_default) chosen.push_back({output.name});
  }
  return chosen;
}

bool IsChosen(const std::vector<ChosenOutput>& outputs, std::string_view name) {
  return std::any_of(outputs.begin(), outputs.end(),
                     [&](const ChosenOutput& output) { return output.name == name; });
}

void AddFloats(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values,
               ModelInferResponse& response) {
  AddTensor(name, inference::TYPE_FP32, shape, BytesOf(values), response);
}

void AddInt64s(const std::string& name, const std::vector<int64_t>& shape, const std::vector<int64_t>& values,
               ModelInferResponse& response) {
  AddTensor(name, inference::TYPE_INT64, shape, BytesOf(values), response);
}

void AddBools(const std::string& name, const std::vector<int64_t>& shape, const std::vector<bool>& values,
              ModelInferResponse& response) {
  AddTensor(name, inference::TYPE_BOOL, shape, {values.begin(), values.end()}, response);
}

void AddTexts(const std::string& name, const std::vector<int64_t>& shape,
              const std::vector<std::string>& values, ModelInferResponse& response) {
  std::string raw;
  for (const std::string& value : values) {
    const auto length = static_cast<uint32_t>(value.size());
    raw.append(reinterpret_cast<const char*>(&length), sizeof(length));
    raw.append(value);
  }
  AddTensor(name, inference::TYPE_STRING, shape, std::move(raw), response);
}

}  // namespace mae
