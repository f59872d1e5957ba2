#pragma once

#include <torch/torch.h>

#include <memory>

#include "options/model_card.h"

namespace mae {

/// The MaskedAutoencoderImpl or VisionTransformerImpl that a config describes, with fresh weights on the CPU.
/// Throws as LibTorch does.
std::shared_ptr<torch::nn::Module> MakeModule(const ModelConfig& config);

}  // namespace mae
