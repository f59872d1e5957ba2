#pragma once

#include <torch/torch.h>

#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"

namespace mae {

/// A queue of a GPU's work beside the present stream of the calling thread. On a CPU, which has no streams,
/// work is simply done. The host never waits. One thread.
class SideStream {
 public:
  explicit SideStream(const torch::Device& device);

  /// Does work on this stream in its turn: it sees what was launched on the present stream before, and what
  /// is launched there afterwards sees it. What the work keeps may be used on the present stream.
  void RunInTurn(absl::FunctionRef<void()> work);

  /// Does work on this stream at the side of what the present one has still to do, which it may not read;
  /// what is launched there afterwards sees it.
  /// @param work @return the tensors that the present stream will read; undefined ones are allowed.
  std::vector<torch::Tensor> RunAhead(absl::FunctionRef<std::vector<torch::Tensor>()> work);

 private:
  std::optional<c10::Stream> stream_;  // none on a CPU
};

}  // namespace mae
