#include "server/reconstruction_png.h"

#include <vector>

#include "base/status_macros.h"
#include "image/panel.h"

namespace mae {
namespace {

constexpr int64_t kPanelGap = 8;

}  // namespace

absl::StatusOr<std::string> DrawPng(const ReconstructionResult& result, ReconstructionPicture picture,
                                    int64_t scale) {
  switch (picture) {
    case ReconstructionPicture::kOriginal:
      return EncodePng(Magnify(result.original, scale));
    case ReconstructionPicture::kMasked:
      return EncodePng(Magnify(result.masked, scale));
    case ReconstructionPicture::kReconstruction:
      return EncodePng(Magnify(result.reconstruction, scale));
    case ReconstructionPicture::kPasted:
      return EncodePng(Magnify(result.pasted, scale));
    case ReconstructionPicture::kPanel:
      break;
  }
  const std::vector<Picture> row = {Magnify(result.original, scale), Magnify(result.masked, scale),
                                    Magnify(result.reconstruction, scale), Magnify(result.pasted, scale)};
  MAE_ASSIGN_OR_RETURN(const auto panel,
                       ComposePanel({row}, {"original", "masked", "reconstruction", "pasted"}, kPanelGap));
  return EncodePng(panel);
}

}  // namespace mae
