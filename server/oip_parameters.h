#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/grpc_service.pb.h"

namespace mae {

/// The parameters of a request, a tensor or an output, read by name. Clients differ in how they send a value:
/// a number may come as int64, uint64, double or text, as long as it is that number exactly; a truth as bool,
/// 0 or 1, or "true" or "false". Nothing where a parameter is not there; INVALID_ARGUMENT with its name where
/// it is something else. Pure.
class OipParameters {
 public:
  using Map = google::protobuf::Map<std::string, inference::InferParameter>;

  /// @param parameters outlive this.
  explicit OipParameters(const Map& parameters) : parameters_(parameters) {}

  absl::StatusOr<std::optional<int64_t>> Int(const std::string& name) const;
  absl::StatusOr<std::optional<uint64_t>> Uint(const std::string& name) const;
  absl::StatusOr<std::optional<double>> Double(const std::string& name) const;
  /// Several as a text, "0.25,0.5"; empty where the parameter is not there.
  absl::StatusOr<std::vector<double>> Doubles(const std::string& name) const;
  absl::StatusOr<std::optional<bool>> Bool(const std::string& name) const;
  absl::StatusOr<std::optional<std::string>> Text(const std::string& name) const;

  /// INVALID_ARGUMENT for a parameter that is neither among `names` nor one that the protocol reserves.
  /// @param of whose they are: "the model", "output \"logits\"".
  absl::Status CheckKnown(std::initializer_list<std::string_view> names, const std::string& of) const;

 private:
  const inference::InferParameter* Find(const std::string& name) const;

  const Map& parameters_;
};

}  // namespace mae
