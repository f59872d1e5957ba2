#include "inference/grpc_service.pb.h"
#include "server/oip_images.h"
#include "server/oip_model_name.h"
#include "server/oip_options.h"
#include "server/oip_outputs.h"
#include "server/oip_tensors.h"
#include "tests/fuzz/served_models.h"

namespace {

using mae::InferenceTask;

template <typename T>
bool IsRead(const absl::StatusOr<T>& result) {
  FUZZ_REQUIRE(result.ok() || absl::IsInvalidArgument(result.status()) ||
               absl::IsResourceExhausted(result.status()));
  return result.ok();
}

void ReadOptions(const mae::OipParameters& parameters, const mae::ModelConfig& config,
                 std::vector<bool> hidden, const std::vector<mae::ChosenOutput>& outputs) {
  IsRead(mae::ReconstructOptionsOf(parameters, std::move(hidden), outputs));
  IsRead(mae::EmbedOptionsOf(parameters));
  IsRead(mae::PictureStyleOf(parameters, config.encoder(), true));
  if (const auto top = mae::TopKOf(parameters, 3); IsRead(top)) FUZZ_REQUIRE(*top >= 1 && *top <= 3);
}

// As AnswerModelInfer reads a request, each step also where an earlier one failed.
void ReadRequest(const inference::ModelInferRequest& request, const mae::ModelConfig& config,
                 InferenceTask task) {
  static const auto* const limits = new mae::InferenceLimits(mae::SmallLimits());
  const mae::ModelSignature signature = mae::SignatureOf(config, task);
  const auto outputs = mae::ChooseOutputs(request, signature);
  const auto tensors = mae::ReadTensors(request, signature);
  std::vector<bool> hidden;
  if (IsRead(tensors)) {
    const auto images = mae::ImagesOf(*tensors, signature, *limits);
    if (IsRead(images)) mae::CheckInputs(*images, *limits);
    const auto mask = mae::MaskOf(*tensors, signature);
    if (IsRead(mask)) hidden = *mask;
  }
  if (IsRead(outputs)) ReadOptions(mae::OipParameters(request.parameters()), config, hidden, *outputs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const mae_config = new mae::ModelConfig(mae::SmallAutoencoder());
  static const auto* const vit_config = new mae::ModelConfig(mae::SmallClassifier());
  inference::ModelInferRequest request;
  if (size > 0 && !request.ParseFromArray(data, static_cast<int>(size))) return 0;
  IsRead(mae::ReadModelName("model_", request.model_name(), request.model_version()));
  ReadRequest(request, *mae_config, InferenceTask::kReconstruct);
  ReadRequest(request, *mae_config, InferenceTask::kEmbed);
  ReadRequest(request, *vit_config, InferenceTask::kClassify);
  return 0;
}
