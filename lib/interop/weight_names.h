#pragma once

#include <torch/torch.h>

#include <string>

#include "absl/status/statusor.h"
#include "checkpoint/safetensors.h"
#include "interop/given_names.h"

/// Between the tensor names of the public MAE checkpoints, which this project and timm use ("official"), and
/// those of Hugging Face transformers (ViTMAEForPreTraining, ViTForImageClassification, ViTModel). Pure
/// functions; what is not fused or split shares memory with what was given.
namespace mae {

/// Renames, and fuses q, k and v into `qkv` (rows q, k, v), if the names are of transformers: with or without
/// "vit." in front, blocks as `encoder.layer.i.` (on disk) or `layers.i.` (in memory since 5.0), decoder
/// blocks as `decoder.decoder_layers.j.` or `decoder.decoder_encoder.layer.j.` (what save_pretrained of 5.x
/// writes). Official names stay. "module." in front of all names (DistributedDataParallel) falls off. A
/// pooler, which no model here has, is left out. INVALID_ARGUMENT names a tensor of transformers that has no
/// official name, or the one of a block's q, k and v that is missing or of another shape.
absl::StatusOr<NamedTensors> ToOfficialNames(const NamedTensors& tensors);

/// The legacy names, which transformers 4.x and 5.x read: "vit." and "decoder." names, qkv split, head as
/// `classifier`. INVALID_ARGUMENT names a tensor that transformers has no place for (fc_norm).
absl::StatusOr<NamedTensors> ToHuggingFaceNames(const NamedTensors& tensors);

/// The official probe's head is BatchNorm without affine (head.0, eps 1e-6) and then Linear (head.1): in
/// evaluation one Linear, `head`. Without such a head the tensors come back as they are.
/// INVALID_ARGUMENT names a part that is missing, of another shape or unknown.
/// @param names what the file calls them
absl::StatusOr<NamedTensors> FoldProbeHead(const NamedTensors& tensors, const GivenNames& names = {});

}  // namespace mae
