#pragma once

#include <cmath>
#include <cstdint>
#include <string>

/// Plain descriptions of the models: what a recipe says and what a model's config.json keeps.
/// Value types without invariants of their own; recipe/recipe_check.h holds the limits.
namespace mae {

/// How tokens learn where they stand.
enum class PositionEmbedding {
  kSinCos,   ///< fixed 2-D sine-cosine (He et al. 2022, sec. 3, "Simple implementation"; Vaswani et al. 2017)
  kLearned,  ///< a trained parameter, trunc-normal(0.02) at the start
};

/// What the classifier reads.
enum class Pooling {
  kMean,   ///< mean of the patch tokens, then fc_norm (MAE fine-tuning)
  kToken,  ///< the class token after norm (MAE linear probing, plain ViT)
};

/// Which initialiser a model starts from.
enum class Initializer {
  kXavierUniform,  ///< every Linear xavier-uniform, bias 0 (MAE pretraining)
  kTruncNormal,    ///< every Linear trunc-normal(0.02), bias 0 (ViT classifiers)
};

/// The Vision Transformer encoder (Dosovitskiy et al. 2021, arXiv:2010.11929, sec. 3.1).
struct EncoderOptions {
  int64_t channels = 3;          ///< image channels, 1 to 16
  int64_t image_height = 32;     ///< pixels; a multiple of patch_size
  int64_t image_width = 32;      ///< pixels; a multiple of patch_size
  int64_t patch_size = 4;        ///< pixels a side of the square patch
  int64_t embed_dim = 192;       ///< token width; a multiple of num_heads, and of 4 for kSinCos
  int64_t depth = 12;            ///< transformer blocks
  int64_t num_heads = 3;         ///< attention heads
  double mlp_ratio = 4.0;        ///< hidden width of the MLP over embed_dim
  bool qkv_bias = true;          ///< bias on the query/key/value projection
  double layer_norm_eps = 1e-6;  ///< epsilon of every LayerNorm
  PositionEmbedding position_embedding = PositionEmbedding::kSinCos;

  int64_t grid_rows() const { return image_height / patch_size; }
  int64_t grid_cols() const { return image_width / patch_size; }
  int64_t num_patches() const { return grid_rows() * grid_cols(); }
  /// Values in one patch: patch_size * patch_size * channels.
  int64_t patch_dim() const { return patch_size * patch_size * channels; }
  /// Hidden width of the MLP in a block of width `dim`.
  int64_t hidden_width(int64_t dim) const { return std::llround(static_cast<double>(dim) * mlp_ratio); }

  bool operator==(const EncoderOptions&) const = default;
};

/// The decoder that predicts hidden patches; it shares mlp_ratio, qkv_bias and epsilon with the encoder.
struct DecoderOptions {
  int64_t embed_dim = 512;  ///< token width; a multiple of num_heads and of 4
  int64_t depth = 8;        ///< transformer blocks
  int64_t num_heads = 16;   ///< attention heads

  bool operator==(const DecoderOptions&) const = default;
};

/// A Masked Autoencoder (He et al. 2022, arXiv:2111.06377).
struct MaskedAutoencoderOptions {
  EncoderOptions encoder;
  DecoderOptions decoder;
  /// Share of patches hidden, in (0, 1); floor(L * (1 - ratio)) patches stay visible, computed in double.
  double mask_ratio = 0.75;
  /// Predict each patch normalised by its own mean and variance instead of its pixels.
  bool norm_pix_loss = false;

  /// Patches of an image that stay visible: floor(L * (1 - mask_ratio)).
  int64_t visible_patches() const {
    return static_cast<int64_t>(static_cast<double>(encoder.num_patches()) * (1.0 - mask_ratio));
  }

  bool operator==(const MaskedAutoencoderOptions&) const = default;
};

/// A Vision Transformer classifier over the same encoder.
struct VisionTransformerOptions {
  EncoderOptions encoder;
  int64_t num_classes = 10;  ///< outputs of the head; 0: no head, features only
  Pooling pooling = Pooling::kMean;
  double drop_path = 0.0;  ///< stochastic depth of the last block, rising linearly from 0; in [0, 1)
  /// The head is batch normalisation without affine parameters, then the linear layer (MAE linear probing).
  bool batch_norm_head = false;

  bool operator==(const VisionTransformerOptions&) const = default;
};

}  // namespace mae
