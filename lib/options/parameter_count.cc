#include "options/parameter_count.h"

namespace mae {
namespace {

int64_t Linear(int64_t in, int64_t out, bool bias = true) { return in * out + (bias ? out : 0); }
int64_t LayerNorm(int64_t width) { return 2 * width; }

// One block of width `dim`: two norms, attention (qkv, projection) and the MLP.
int64_t Block(int64_t dim, const EncoderOptions& encoder) {
  const int64_t hidden = encoder.hidden_width(dim);
  return 2 * LayerNorm(dim) + Linear(dim, 3 * dim, encoder.qkv_bias) + Linear(dim, dim) +
         Linear(dim, hidden) + Linear(hidden, dim);
}

// Class token, position embedding, patch embedding, blocks, final norm.
int64_t Encoder(const EncoderOptions& encoder) {
  const int64_t dim = encoder.embed_dim;
  return dim + (1 + encoder.num_patches()) * dim + Linear(encoder.patch_dim(), dim) +
         encoder.depth * Block(dim, encoder) + LayerNorm(dim);
}

}  // namespace

int64_t ParameterCount(const MaskedAutoencoderOptions& options) {
  const auto& encoder = options.encoder;
  const int64_t dim = options.decoder.embed_dim;
  const int64_t mask_token = dim;
  const int64_t positions = (1 + encoder.num_patches()) * dim;
  return Encoder(encoder) + Linear(encoder.embed_dim, dim) + mask_token + positions +
         options.decoder.depth * Block(dim, encoder) + LayerNorm(dim) + Linear(dim, encoder.patch_dim());
}

int64_t ParameterCount(const VisionTransformerOptions& options) {
  const int64_t head = options.num_classes > 0 ? Linear(options.encoder.embed_dim, options.num_classes) : 0;
  return Encoder(options.encoder) + head;
}

}  // namespace mae
