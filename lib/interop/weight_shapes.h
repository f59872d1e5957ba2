#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "checkpoint/safetensors.h"
#include "interop/given_names.h"
#include "interop/import_options.h"
#include "options/model_card.h"

namespace mae {

/// A model as its weights describe it.
struct DescribedModel {
  ModelConfig config;
  std::vector<std::string> ignored;  ///< tensors of the file that this model has no use for
  std::vector<std::string> remarks;  ///< what was assumed, a sentence each
};

/// Tells from names and shapes what model `tensors` (official names) are: with decoder_pred a
/// MaskedAutoencoder; with head a classifier, over the mean of patches if there is fc_norm, else over the
/// class token; else an encoder alone, which is a classifier of no classes. Channels, patch, widths, depths,
/// MLP ratio and qkv bias come from shapes; the image from a square grid or from `options`; heads from
/// `options`, else from a preset of the same width and depth.
///
/// The config's parameters are no more than the tensors hold, and nothing larger than pos_embed is made here.
/// Pure; throws as LibTorch does.
/// @param names what the file calls the tensors, for messages and remarks
/// @return INVALID_ARGUMENT "num_heads: …" or "image_height: …" where an option is needed or wrong, and what
/// it
///   should say; "config.json: key: …" where a file said it (ImportOptions::origins); naming the tensor for
///   one that is missing, of another shape than a ViT's, or that no model here has.
absl::StatusOr<DescribedModel> DescribeWeights(const NamedTensors& tensors, const ImportOptions& options,
                                               const GivenNames& names = {});

}  // namespace mae
