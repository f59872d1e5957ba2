#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "inference/grpc_service.grpc.pb.h"
#include "server/oip_service.h"
#include "tests/server/grpc_host.h"
#include "tests/server/serving_fixture.h"

namespace mae {

/// An OipService on a socket over two small models: "mae" reconstructs, "cats" classifies.
class OipTest : public testing::Test {
 protected:
  OipTest() {
    models_.Publish("mae", TinyAutoencoder(), {"prod"});
    models_.Publish("cats", TinyClassifier(3));
  }

  static ServerConfig::Inference Settings() {
    ServerConfig::Inference settings;
    settings.max_images = 4;
    settings.max_batch = 64;
    settings.max_delay_microseconds = 250;
    settings.max_queued_images = 1024;
    settings.forward_threads = 1;
    settings.preferred_batches = {4, 32, 128};
    settings.device = "cpu";
    settings.precision = "fp32";
    return settings;
  }

  grpc::Status Infer(const inference::ModelInferRequest& request, inference::ModelInferResponse& response) {
    return stub_->ModelInfer(Patience().get(), request, &response);
  }
  inference::ModelInferResponse MustInfer(const inference::ModelInferRequest& request) {
    inference::ModelInferResponse response;
    const auto status = Infer(request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  grpc::Status Refusal(const inference::ModelInferRequest& request) {
    inference::ModelInferResponse response;
    return Infer(request, response);
  }

  ServedModels models_;
  bool ready_ = true;
  OipService service_{
      models_.requests, models_.queue, models_.queue, {"1.2.3", Settings(), [this] { return ready_; }}};
  GrpcHost host_{&service_};
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_ =
      inference::GRPCInferenceService::NewStub(host_.channel());
};

/// Adds a raw input.
inline void AddRaw(const std::string& name, const std::string& datatype, const std::vector<int64_t>& shape,
                   const std::string& bytes, inference::ModelInferRequest& request) {
  auto& input = *request.add_inputs();
  input.set_name(name);
  input.set_datatype(datatype);
  input.mutable_shape()->Assign(shape.begin(), shape.end());
  request.add_raw_input_contents(bytes);
}

/// BYTES as they travel raw.
inline std::string RawTexts(const std::vector<std::string>& values) {
  std::string raw;
  for (const auto& value : values) {
    const auto length = static_cast<uint32_t>(value.size());
    raw.append(reinterpret_cast<const char*>(&length), sizeof(length));
    raw.append(value);
  }
  return raw;
}

template <typename Value>
std::string RawValues(const std::vector<Value>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value)};
}

/// A request with `images` pictures of the same kind, as PNG.
inline inference::ModelInferRequest PngRequest(const std::string& model, int images = 1) {
  inference::ModelInferRequest request;
  request.set_model_name(model);
  const std::vector<std::string> pngs(static_cast<size_t>(images), PngImage(8, 12, 3).encoded());
  AddRaw("images", "BYTES", {images}, RawTexts(pngs), request);
  return request;
}

/// Where the output of that name is; -1: nowhere.
inline int IndexOf(const inference::ModelInferResponse& response, const std::string& name) {
  for (int i = 0; i < response.outputs_size(); ++i) {
    if (response.outputs(i).name() == name) return i;
  }
  return -1;
}

/// The values of an output; empty if there is none such.
template <typename Value>
std::vector<Value> ValuesOf(const inference::ModelInferResponse& response, const std::string& name) {
  const int index = IndexOf(response, name);
  if (index < 0) return {};
  const std::string& raw = response.raw_output_contents(index);
  std::vector<Value> values(raw.size() / sizeof(Value));
  std::memcpy(values.data(), raw.data(), values.size() * sizeof(Value));
  return values;
}

inline std::vector<std::string> TextsOf(const inference::ModelInferResponse& response,
                                        const std::string& name) {
  const int index = IndexOf(response, name);
  std::vector<std::string> texts;
  std::string_view raw = index < 0 ? std::string_view() : response.raw_output_contents(index);
  while (raw.size() >= sizeof(uint32_t)) {
    uint32_t length = 0;
    std::memcpy(&length, raw.data(), sizeof(length));
    texts.emplace_back(raw.substr(sizeof(length), length));
    raw.remove_prefix(sizeof(length) + length);
  }
  return texts;
}

inline std::vector<int64_t> ShapeOf(const inference::ModelInferResponse& response, const std::string& name) {
  const int index = IndexOf(response, name);
  if (index < 0) return {};
  const auto& shape = response.outputs(index).shape();
  return {shape.begin(), shape.end()};
}

inline std::vector<std::string> OutputNames(const inference::ModelInferResponse& response) {
  std::vector<std::string> names;
  for (const auto& output : response.outputs()) names.push_back(output.name());
  return names;
}

inline void ExpectRefused(const grpc::Status& status, const std::string& field, const std::string& message) {
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(), testing::AllOf(testing::HasSubstr(field), testing::HasSubstr(message)));
  EXPECT_THAT(FaultyFields(status), testing::ElementsAre(field));
}

inline void SetInt(inference::ModelInferRequest& request, const std::string& name, int64_t value) {
  (*request.mutable_parameters())[name].set_int64_param(value);
}

inline void SetText(inference::ModelInferRequest& request, const std::string& name,
                    const std::string& value) {
  (*request.mutable_parameters())[name].set_string_param(value);
}

}  // namespace mae
