#pragma once

#include <torch/torch.h>

/// Initialisers that LibTorch lacks. All draw from the default CPU generator (torch::manual_seed), in place.
namespace mae {

/// Fills with a normal(mean, std) cut to [low, high] by inverting the CDF, as torch.nn.init.trunc_normal_
/// does.
/// @param tensor any shape, float.
void TruncNormal(torch::Tensor tensor, double std_dev, double mean = 0.0, double low = -2.0,
                 double high = 2.0);

/// Xavier-uniform on the [out, everything else] view of a weight (Glorot & Bengio 2010, eq. 16).
/// @param weight at least 2-D; a convolution [D,C,P,P] is seen as the Linear [D, C*P*P] that it is here.
void XavierUniform(torch::Tensor weight);

/// Gives every Linear below `root` weights by `fill` and bias 0; LayerNorm keeps weight 1, bias 0.
void InitLinears(torch::nn::Module& root, const std::function<void(torch::Tensor)>& fill);

}  // namespace mae
