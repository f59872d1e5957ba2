#include "server/oip_tensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "server/oip_datatype.h"
#include "server/oip_parameters.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

using inference::InferTensorContents;
using InputMessage = inference::ModelInferRequest::InferInputTensor;

// Raw values travel little-endian and are used as they are.
static_assert(std::endian::native == std::endian::little);

constexpr int kMaxRank = 8;
constexpr size_t kLengthBytes = sizeof(uint32_t);
constexpr size_t kMaxNameShown = 80;

std::string NamesOf(const std::vector<TensorSpec>& tensors) {
  return absl::StrJoin(tensors, ", ", [](std::string* out, const TensorSpec& one) { out->append(one.name); });
}

absl::StatusOr<inference::DataType> ReadType(const InputMessage& input, const TensorSpec& spec) {
  const auto type = DatatypeOf(input.datatype());
  const bool is_taken =
      type == spec.type ||
      (type.has_value() && std::find(spec.also.begin(), spec.also.end(), *type) != spec.also.end());
  if (is_taken) return *type;
  std::vector<std::string> taken = {std::string(DatatypeName(spec.type))};
  for (const auto other : spec.also) taken.emplace_back(DatatypeName(other));
  return InvalidField(
      spec.name, absl::StrCat("is of type \"", absl::string_view(input.datatype()).substr(0, kMaxNameShown),
                              "\"; expected ", absl::StrJoin(taken, ", ")));
}

// How many values a shape holds; nothing if a size is negative or the product is more than any message has.
std::optional<int64_t> CountOf(const std::vector<int64_t>& shape) {
  if (shape.size() > kMaxRank) return std::nullopt;
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 0 || (size > 0 && count > std::numeric_limits<int32_t>::max() / size)) return std::nullopt;
    count *= size;
  }
  return count;
}

absl::Status WrongSize(const OipTensor& tensor, std::string_view where, size_t has, int64_t expected,
                       std::string_view what) {
  return InvalidField(tensor.name, absl::StrCat(std::string(where), " holds ", has, " ", std::string(what),
                                                "; the shape ", ShapeText(tensor.shape), " of ",
                                                std::string(DatatypeName(tensor.type)), " takes ", expected));
}

// BYTES: a little-endian uint32 length before each value.
absl::Status ReadElements(std::string_view raw, int64_t count, OipTensor& tensor) {
  const auto at_most = raw.size() / kLengthBytes;
  tensor.elements.reserve(std::min(static_cast<size_t>(count), at_most));
  for (int64_t i = 0; i < count; ++i) {
    uint32_t length = 0;
    if (raw.size() < sizeof(length)) {
      return InvalidField(tensor.name, absl::StrCat("raw_input_contents ends before value ", i, " of ", count,
                                                    "; each value is a uint32 length and so many bytes"));
    }
    std::memcpy(&length, raw.data(), sizeof(length));
    raw.remove_prefix(sizeof(length));
    if (length > raw.size()) {
      return InvalidField(tensor.name, absl::StrCat("value ", i, " says that it has ", length, " bytes; ",
                                                    raw.size(), " are left in raw_input_contents"));
    }
    tensor.elements.push_back(raw.substr(0, length));
    raw.remove_prefix(length);
  }
  if (raw.empty()) return absl::OkStatus();
  return InvalidField(tensor.name, absl::StrCat("raw_input_contents has ", raw.size(), " bytes behind the ",
                                                count, " values of the shape ", ShapeText(tensor.shape)));
}

absl::Status ReadRaw(const std::string& raw, int64_t count, OipTensor& tensor) {
  if (tensor.type == inference::TYPE_STRING) return ReadElements(raw, count, tensor);
  const int64_t expected = count * ValueBytes(tensor.type);
  if (static_cast<int64_t>(raw.size()) != expected) {
    return WrongSize(tensor, "raw_input_contents", raw.size(), expected, "bytes");
  }
  tensor.in_request = raw;
  return absl::OkStatus();
}

int64_t AllValues(const InferTensorContents& contents) {
  return int64_t{contents.bool_contents_size()} + contents.int_contents_size() +
         contents.int64_contents_size() + contents.uint_contents_size() + contents.uint64_contents_size() +
         contents.fp32_contents_size() + contents.fp64_contents_size() + contents.bytes_contents_size();
}

// That `values` is the only field with values, and has as many as the shape.
template <typename Values>
absl::Status CheckContents(const InferTensorContents& contents, const Values& values, std::string_view field,
                           int64_t count, const OipTensor& tensor) {
  if (AllValues(contents) != values.size()) {
    return InvalidField(tensor.name, absl::StrCat(std::string(DatatypeName(tensor.type)),
                                                  " values go into contents.", std::string(field), " alone"));
  }
  if (values.size() == count) return absl::OkStatus();
  return WrongSize(tensor, absl::StrCat("contents.", std::string(field)), static_cast<size_t>(values.size()),
                   count, "values");
}

absl::Status ReadUint8(const InferTensorContents& contents, OipTensor& tensor) {
  for (const uint32_t value : contents.uint_contents()) {
    if (value > std::numeric_limits<uint8_t>::max()) {
      return InvalidField(tensor.name, absl::StrCat(value, " is no UINT8; values are 0 to 255"));
    }
    tensor.from_contents.push_back(static_cast<char>(value));
  }
  return absl::OkStatus();
}

absl::Status ReadContents(const InferTensorContents& contents, int64_t count, OipTensor& tensor) {
  switch (tensor.type) {
    case inference::TYPE_STRING:
      MAE_RETURN_IF_ERROR(
          CheckContents(contents, contents.bytes_contents(), "bytes_contents", count, tensor));
      tensor.elements.assign(contents.bytes_contents().begin(), contents.bytes_contents().end());
      return absl::OkStatus();
    case inference::TYPE_UINT8:
      MAE_RETURN_IF_ERROR(CheckContents(contents, contents.uint_contents(), "uint_contents", count, tensor));
      return ReadUint8(contents, tensor);
    case inference::TYPE_BOOL:
      MAE_RETURN_IF_ERROR(CheckContents(contents, contents.bool_contents(), "bool_contents", count, tensor));
      tensor.from_contents.assign(contents.bool_contents().begin(), contents.bool_contents().end());
      return absl::OkStatus();
    case inference::TYPE_FP32: {
      const auto& values = contents.fp32_contents();
      MAE_RETURN_IF_ERROR(CheckContents(contents, values, "fp32_contents", count, tensor));
      tensor.from_contents.assign(reinterpret_cast<const char*>(values.data()),
                                  static_cast<size_t>(values.size()) * sizeof(float));
      return absl::OkStatus();
    }
    default:
      return InvalidField(tensor.name, absl::StrCat(std::string(DatatypeName(tensor.type)),
                                                    " values have no contents field; send them in "
                                                    "raw_input_contents"));
  }
}

absl::Status CheckTensorParameters(const InputMessage& input) {
  const OipParameters parameters(input.parameters());
  if (input.parameters().contains("shared_memory_region")) {
    return InvalidField(input.name(), "there is no shared memory here; send the values in the message");
  }
  return parameters.CheckKnown({"binary_data_size"}, absl::StrCat("input \"", input.name(), "\""));
}

// @param raw null: the values are in `contents`.
absl::StatusOr<OipTensor> ReadTensor(const InputMessage& input, const std::string* raw,
                                     const TensorSpec& spec) {
  OipTensor tensor;
  tensor.name = spec.name;
  MAE_RETURN_IF_ERROR(CheckTensorParameters(input));
  MAE_ASSIGN_OR_RETURN(tensor.type, ReadType(input, spec));
  tensor.shape.assign(input.shape().begin(), input.shape().end());
  const auto count = CountOf(tensor.shape);
  if (!count.has_value()) {
    return InvalidField(spec.name, absl::StrCat("the shape ", ShapeText(tensor.shape),
                                                " is none: sizes are from 0 up, and fewer than 2^31 values"));
  }
  MAE_RETURN_IF_ERROR(raw != nullptr ? ReadRaw(*raw, *count, tensor)
                                     : ReadContents(input.contents(), *count, tensor));
  return tensor;
}

absl::Status CheckRawContents(const inference::ModelInferRequest& request) {
  if (request.raw_input_contents().empty()) return absl::OkStatus();
  if (request.raw_input_contents_size() != request.inputs_size()) {
    return InvalidField(
        "raw_input_contents",
        absl::StrCat(request.raw_input_contents_size(), " entries for ", request.inputs_size(),
                     " inputs; there must be one for each, in their order, or none"));
  }
  for (const auto& input : request.inputs()) {
    if (AllValues(input.contents()) == 0) continue;
    return InvalidField("raw_input_contents",
                        absl::StrCat("input \"", absl::string_view(input.name()).substr(0, kMaxNameShown),
                                     "\" has contents too; a request uses one or the other"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<OipTensor>> ReadTensors(const inference::ModelInferRequest& request,
                                                   const ModelSignature& signature) {
  MAE_RETURN_IF_ERROR(CheckRawContents(request));
  std::vector<OipTensor> tensors;
  for (int i = 0; i < request.inputs_size(); ++i) {
    const auto& input = request.inputs(i);
    const auto shown = std::string(absl::string_view(input.name()).substr(0, kMaxNameShown));
    const TensorSpec* spec = signature.FindInput(input.name());
    if (spec == nullptr) {
      return InvalidField(
          "inputs", absl::StrCat("the model takes no \"", shown, "\"; it takes ", NamesOf(signature.inputs)));
    }
    if (FindTensor(tensors, input.name()) != nullptr) {
      return InvalidField("inputs", absl::StrCat("\"", shown, "\" is there twice"));
    }
    const std::string* raw = request.raw_input_contents().empty() ? nullptr : &request.raw_input_contents(i);
    MAE_ASSIGN_OR_RETURN(auto tensor, ReadTensor(input, raw, *spec));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

const OipTensor* FindTensor(const std::vector<OipTensor>& tensors, std::string_view name) {
  const auto it = std::find_if(tensors.begin(), tensors.end(),
                               [&](const OipTensor& tensor) { return tensor.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

}  // namespace mae
