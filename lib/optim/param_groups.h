#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "options/train_options.h"

/// Which parameters an optimizer trains, and which of them weight decay shrinks.
namespace mae {

/// By official name; the same type as NamedTensors of checkpoint/safetensors.h.
using NamedParameters = std::vector<std::pair<std::string, torch::Tensor>>;

struct ParamGroup {
  NamedParameters parameters;
  double weight_decay = 0.0;
};

/// What is trained decides what kMatrices leaves out.
enum class TrainingKind {
  kPretrain,  ///< decay what has two dimensions and more and is no bias: class and mask token too
  kFinetune,  ///< as kPretrain, but neither cls_token nor pos_embed
};

/// Whether weight decay shrinks a parameter. kAll: every one.
bool IsDecayed(const std::string& name, const torch::Tensor& parameter, WeightDecayScope scope,
               TrainingKind kind);

/// The trainable parameters of a module (those that need a gradient) in order of registration: first those
/// without decay, then those with, as the public MAE code groups them. A group without parameters is left
/// out.
std::vector<ParamGroup> MakeParamGroups(const torch::nn::Module& module, const OptimizerOptions& options,
                                        TrainingKind kind);

}  // namespace mae
