#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/grpc_service.pb.h"
#include "server/oip_signature.h"

namespace mae {

/// An output that a request is answered with.
struct ChosenOutput {
  std::string name;
  int64_t classes = 0;  ///< not 0: as so many texts "value:index:label", highest first
};

/// Those that the request names, in its order, or those that the model gives without being asked by name.
/// Pure. INVALID_ARGUMENT: an output that the model doesn't have, one named twice, a parameter of it that is
/// unknown or can't be.
absl::StatusOr<std::vector<ChosenOutput>> ChooseOutputs(const inference::ModelInferRequest& request,
                                                        const ModelSignature& signature);

bool IsChosen(const std::vector<ChosenOutput>& outputs, std::string_view name);

/// Appends a tensor to the response, raw, as every client can read it.
void AddFloats(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values,
               inference::ModelInferResponse& response);
void AddInt64s(const std::string& name, const std::vector<int64_t>& shape, const std::vector<int64_t>& values,
               inference::ModelInferResponse& response);
void AddBools(const std::string& name, const std::vector<int64_t>& shape, const std::vector<bool>& values,
              inference::ModelInferResponse& response);
/// BYTES.
void AddTexts(const std::string& name, const std::vector<int64_t>& shape,
              const std::vector<std::string>& values, inference::ModelInferResponse& response);

}  // namespace mae
