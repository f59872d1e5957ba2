#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "data/image_visit.h"

/// The binary format of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of a label byte (CIFAR-100: coarse,
/// then fine; the fine one is used) and 3072 pixels, channel by channel. The files are in the folder itself,
/// in the folder of the official archive below it, in the official archive in it, or in an archive that the
/// path names. Files may have any number of whole records. Pure functions of the files, safe from any thread.
/// Errors as in dataset.h.
namespace mae {

/// All of DatasetInfo but name, path, mean and std_dev; labels are "0", "1", …. Nothing if neither dataset is
/// there. Of a folder only the files' sizes are looked at; an archive must be unpacked (in memory) to find
/// them: about a second for the official ones, so keep the result.
absl::StatusOr<std::optional<DatasetInfo>> InspectCifar(const std::filesystem::path& path);

/// `format` is cifar10 or cifar100. `limit` > 0: only the first images, in the order of the numbered files.
absl::StatusOr<ImageSet> LoadCifar(const std::string& format, const std::filesystem::path& path, Split split,
                                   int64_t limit);

/// Calls `visit` with the chosen images, holding under a mebibyte: in the order of their numbers, but of an
/// archive in that of its files. An archive is read twice, since it does not tell where its files lie.
absl::Status VisitCifar(const std::string& format, const std::filesystem::path& path, Split split,
                        const ImageChoice& choice, ImageVisit visit);

}  // namespace mae
