#include "server/reconstruction_drawing.h"

#include <vector>

#include "base/status_macros.h"
#include "image/panel.h"

namespace mae {
namespace {

absl::StatusOr<Picture> DrawPanel(const ReconstructionResult& result, int64_t scale) {
  const std::vector<Picture> row = {Magnify(result.original, scale), Magnify(result.masked, scale),
                                    Magnify(result.reconstruction, scale), Magnify(result.pasted, scale)};
  return ComposePanel({row}, {"original", "masked", "reconstruction", "pasted"}, kPanelGap);
}

absl::StatusOr<Picture> Draw(const ReconstructionResult& result, ReconstructionPicture picture,
                             int64_t scale) {
  switch (picture) {
    case ReconstructionPicture::kOriginal:
      return Magnify(result.original, scale);
    case ReconstructionPicture::kMasked:
      return Magnify(result.masked, scale);
    case ReconstructionPicture::kReconstruction:
      return Magnify(result.reconstruction, scale);
    case ReconstructionPicture::kPasted:
      return Magnify(result.pasted, scale);
    case ReconstructionPicture::kPanel:
      break;
  }
  return DrawPanel(result, scale);
}

}  // namespace

absl::StatusOr<std::string> DrawEncoded(const ReconstructionResult& result, ReconstructionPicture picture,
                                        const PictureStyle& style) {
  MAE_ASSIGN_OR_RETURN(const auto drawn, Draw(result, picture, style.scale));
  return EncodePicture(drawn, style.format);
}

}  // namespace mae
