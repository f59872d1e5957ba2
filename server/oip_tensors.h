#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/grpc_service.pb.h"
#include "server/oip_signature.h"

namespace mae {

/// One input of a ModelInferRequest, whichever way its values came.
struct OipTensor {
  std::string name;
  inference::DataType type = inference::TYPE_INVALID;
  std::vector<int64_t> shape;              ///< none negative; the product fits the values
  std::vector<std::string_view> elements;  ///< of BYTES, one a value; into the request

  /// The values of another type, row-major, little-endian.
  std::string_view values() const { return from_contents.empty() ? in_request : from_contents; }

  std::string_view in_request;  ///< raw
  std::string from_contents;    ///< typed contents, made raw
};

/// The inputs of a request, each known to the model, of a type that it takes, there once, and with exactly as
/// many values as its shape says; what the shape must be is not looked at. Pure.
/// @param request outlives what is given.
/// @return INVALID_ARGUMENT with the tensor's name and what was expected.
absl::StatusOr<std::vector<OipTensor>> ReadTensors(const inference::ModelInferRequest& request,
                                                   const ModelSignature& signature);

/// Null if it is not there.
const OipTensor* FindTensor(const std::vector<OipTensor>& tensors, std::string_view name);

/// "[2, 3]".
std::string ShapeText(const std::vector<int64_t>& shape);

}  // namespace mae
