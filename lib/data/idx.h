#pragma once

#include <cstdint>
#include <filesystem>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "data/image_visit.h"

/// The IDX format of MNIST and Fashion-MNIST: {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or
/// with .gz. A big-endian header (magic number, count, for images height and width), then a byte a pixel or
/// label. Pure functions of the files, safe from any thread. Errors as in dataset.h.
namespace mae {

/// Whether any of the files is there.
bool HasIdxFiles(const std::filesystem::path& folder);

/// All of DatasetInfo but name, path, mean and std_dev; labels are "0", "1", … up to the greatest in use.
/// Reads the headers, and the label files to their end, a block at a time, since their headers do not tell
/// the classes.
absl::StatusOr<DatasetInfo> InspectIdx(const std::filesystem::path& folder);

/// `limit` > 0: only the first images. A gzip file is checked to its end only when read to its end.
absl::StatusOr<ImageSet> LoadIdx(const std::filesystem::path& folder, Split split, int64_t limit);

/// Calls `visit` with the chosen images in the order of the file, holding about a mebibyte, or one image.
/// What lies before the first one is read and let go; what lies behind the last one is not read, and so not
/// checked.
absl::Status VisitIdx(const std::filesystem::path& folder, Split split, const ImageChoice& choice,
                      ImageVisit visit);

}  // namespace mae
