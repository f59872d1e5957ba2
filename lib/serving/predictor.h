#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "base/work_queue.h"
#include "image/codec.h"
#include "options/model_card.h"
#include "options/reconstruct_options.h"
#include "serving/batch_queue.h"
#include "serving/request_context.h"

/// Runs one loaded model. Torch-free header: the server includes it.
namespace mae {

/// A dense float32 array, row-major.
struct FloatTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

/// One input: a picture of any size (converted and resized to the model's), or normalised values [C, H, W] of
/// exactly the model's size.
using PredictorInput = std::variant<Picture, FloatTensor>;

struct ReconstructionResult {
  int64_t image = 0;      ///< index of the input
  double mask_ratio = 0;  ///< share of the patches that is hidden
  double loss = 0;        ///< over the hidden patches, all where none is hidden, in the model's target space
  PixelStatistics pixel_statistics = PixelStatistics::kRaw;
  std::vector<bool> hidden;                          ///< [L]
  std::vector<int32_t> ids_restore;                  ///< [L]
  FloatTensor prediction;                            ///< [L, P*P*C] as predicted
  FloatTensor pixels;                                ///< [C, H, W] in 0..1, every patch, clipped
  Picture original, masked, reconstruction, pasted;  ///< of the model's size; masked patches mid-grey
};

enum class EmbeddingPool {
  kMean,        ///< mean of the patch tokens
  kClassToken,  ///< the class token
  kPatches,     ///< every patch token, row-major over the grid
};

struct EmbedOptions {
  EmbeddingPool pool = EmbeddingPool::kMean;
  bool l2_normalize = false;  ///< each vector to length 1
};

/// What the class token attends to in the last block.
struct AttentionMaps {
  FloatTensor heads;  ///< [inputs, heads, rows, cols]; a head's sum is 1 less the class token's own weight
  FloatTensor mean;   ///< [inputs, rows, cols], of the heads
  std::vector<Picture> images;  ///< as the model sees them, where pictures were asked for
};

/// What a model computes in.
enum class InferencePrecision {
  kAuto,  ///< kBf16 where it is quick: GPUs, and CPUs with AVX-512 bfloat16 instructions; else kFp32
  /// Weights and the inputs of products in bfloat16; sums, LayerNorm, softmax and residuals in float32. On a
  /// CPU (nn/packed_blocks.h) a model whose widths are not multiples of 16 a head stays kFp32.
  kBf16,
  kFp32,
  /// As kBf16, with the weights of the blocks and what they multiply quantized to 8 bits. CPUs alone.
  kInt8,
};

/// How a predictor shares its model among requests.
struct Batching {
  WorkQueue* threads = nullptr;  ///< outlives the predictor
  BatchOptions options;
  std::function<void(const BatchRecord&)> record = nullptr;
};

/// Immutable once loaded; every method is thread-safe and blocks: inputs are prepared on the caller's thread,
/// the forward pass runs with those of other callers (serving/batch_queue.h). An answer does not depend on
/// what else is in its batch: on a CPU bit for bit for models of 16 tokens and more (below that in bf16's
/// blocks too, but for float32's), else within rounding. All: DEADLINE_EXCEEDED, CANCELLED and
/// RESOURCE_EXHAUSTED of BatchQueue; INVALID_ARGUMENT "field: what is wrong" for an input ("images[3]") or an
/// option at fault, and for values too large for the model, whose answer always is finite;
/// FAILED_PRECONDITION if this kind of model can't do it, RESOURCE_EXHAUSTED or INTERNAL with LibTorch's
/// words otherwise.
class Predictor {
 public:
  /// Loads model.safetensors and config.json. NOT_FOUND, INVALID_ARGUMENT (sizes that don't fit together, a
  /// tensor missing or of another shape: an encoder without its decoder is no masked_autoencoder).
  /// FAILED_PRECONDITION for kBf16 and kInt8 on a CPU that lacks the instructions, and for kInt8 on a GPU.
  /// @param device auto, cpu, cuda or cuda:N.
  /// @param batching without threads: each call runs by itself, on the caller's thread.
  static absl::StatusOr<std::unique_ptr<Predictor>> Load(const std::filesystem::path& folder,
                                                         const std::string& device,
                                                         InferencePrecision precision,
                                                         const Batching& batching = {});
  virtual ~Predictor() = default;

  virtual const ModelConfig& config() const = 0;
  /// Image by image, each at each ratio in order.
  virtual absl::StatusOr<std::vector<ReconstructionResult>> Reconstruct(
      const std::vector<PredictorInput>& inputs, const ReconstructOptions& options,
      const RequestContext& context = {}) const = 0;
  /// Logits of each input, [num_classes].
  virtual absl::StatusOr<std::vector<std::vector<float>>> Classify(
      const std::vector<PredictorInput>& inputs, const RequestContext& context = {}) const = 0;
  /// [inputs, D], for kPatches [inputs, L, D]; no patch hidden. Tokens of the last block after `norm`; a
  /// mean-pooled classifier has none: its mean is after fc_norm, its class token and patch tokens as the last
  /// block left them.
  virtual absl::StatusOr<FloatTensor> Embed(const std::vector<PredictorInput>& inputs,
                                            const EmbedOptions& options,
                                            const RequestContext& context = {}) const = 0;
  /// Every model has a class token; of a mean-pooled classifier it was never read, and so its attention may
  /// say little.
  /// @param pictures fill `images`; needs a model of 1 or 3 channels.
  virtual absl::StatusOr<AttentionMaps> Attention(const std::vector<PredictorInput>& inputs, bool pictures,
                                                  const RequestContext& context = {}) const = 0;
};

}  // namespace mae
