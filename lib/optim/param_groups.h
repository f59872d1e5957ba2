#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "options/train_options.h"

/// Which parameters an optimizer trains, which of them weight decay shrinks, and how fast each group learns.
namespace mae {

/// By official name; the same type as NamedTensors of checkpoint/safetensors.h.
using NamedParameters = std::vector<std::pair<std::string, torch::Tensor>>;

struct ParamGroup {
  NamedParameters parameters;
  double weight_decay = 0.0;
  double learning_rate_scale = 1.0;  ///< of the step's learning rate
  std::string name = {};  ///< "decay", "no_decay", with layer decay "layer_3_decay", …; for people
};

/// What is trained decides what kMatrices leaves out.
enum class TrainingKind {
  kPretrain,  ///< decay what has two dimensions and more and is no bias: class and mask token too
  kFinetune,  ///< as kPretrain, but neither cls_token nor pos_embed
};

/// Whether weight decay shrinks a parameter. kAll: every one.
bool IsDecayed(const std::string& name, const torch::Tensor& parameter, WeightDecayScope scope,
               TrainingKind kind);

/// The layer of a parameter of an encoder of `depth` blocks, as layer-wise decay counts (Clark et al. 2020,
/// arXiv:2003.10555; Bao et al. 2022, arXiv:2106.08254): 0 for cls_token, pos_embed and patch_embed, i + 1
/// for blocks.i, depth + 1 for the rest (norms after the blocks, head).
int64_t LayerOf(const std::string& name, int64_t depth);

/// The trainable parameters of a module (those that need a gradient) in order of registration.
///
/// Without layer decay: first those without weight decay, then those with, as the public MAE code groups them
/// for pretraining. With it (options.layer_decay below 1): a group for each layer with and without weight
/// decay, in the order in which parameters first meet them, as that code does for fine-tuning;
/// learning_rate_scale is layer_decay^(depth + 1 - layer), so norms after the blocks and the head learn at
/// the full rate. A group without parameters is left out.
std::vector<ParamGroup> MakeParamGroups(const torch::nn::Module& module, const OptimizerOptions& options,
                                        TrainingKind kind);

}  // namespace mae
