#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "options/model_options.h"
#include "server/oip_outputs.h"
#include "server/oip_parameters.h"
#include "server/picture_style.h"
#include "serving/predictor.h"

/// The parameters of a request, and the outputs that it chose, as options of predictors. Pure.
/// INVALID_ARGUMENT with the parameter's name and what it may be.
namespace mae {

/// @param hidden from the tensor `mask`; empty: there is none.
absl::StatusOr<ReconstructOptions> ReconstructOptionsOf(const OipParameters& parameters,
                                                        std::vector<bool> hidden,
                                                        const std::vector<ChosenOutput>& outputs);

absl::StatusOr<EmbedOptions> EmbedOptionsOf(const OipParameters& parameters);

/// @param draws whether an output is a picture.
absl::StatusOr<PictureStyle> PictureStyleOf(const OipParameters& parameters, const EncoderOptions& encoder,
                                            bool draws);

/// `top_k`, held against the classes. @return how many to answer.
absl::StatusOr<int64_t> TopKOf(const OipParameters& parameters, int64_t classes);

/// "raw", "true_patch" or "visible_patches".
std::string PixelStatisticsName(PixelStatistics statistics);

}  // namespace mae
