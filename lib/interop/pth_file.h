#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "checkpoint/safetensors.h"

/// Weights in PyTorch's own file format (`.pth`, `.pt`, `pytorch_model.bin`): a zip archive of one pickle and
/// one record of raw bytes a storage, as torch.save writes since 1.6. See docs/formats/interop.md.
namespace mae {

/// Reads a state dict: the file's own dict, or the one under "model", "state_dict" or "model_state_dict" in
/// it (what the public MAE code writes); the rest of a training file (optimizer, args, …) is passed over.
/// Nothing of the file is run (interop/pickle.h). Other values of the dict than tensors are left out.
///
/// Storages are held once, tensors share them where they are contiguous; so memory is at most twice the file,
/// whatever it says. Tensors are contiguous and on the CPU.
/// @return NOT_FOUND; INVALID_ARGUMENT naming the tensor, global or record at fault: another byte order, a
/// record
///   whose length is not what its storage says, offsets and strides beyond the storage, tensors that together
///   hold more than the file; DATA_LOSS if a checksum differs.
absl::StatusOr<NamedTensors> ReadPth(const std::filesystem::path& path);

/// Takes a file's bytes in order.
using ByteSink = std::function<absl::Status(std::string_view)>;

/// Writes {"model": OrderedDict of `tensors`}, which torch.load opens, also with weights_only=True. Tensors
/// of any device and strides; each is copied to the CPU in its turn. INVALID_ARGUMENT for a type that has no
/// storage type, else what `sink` says or INTERNAL.
absl::Status WritePth(const NamedTensors& tensors, const ByteSink& sink);

}  // namespace mae
