#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "data/byte_source.h"

namespace mae {

/// A file of a dataset, as the server is to know it.
struct UploadFile {
  std::string path;  ///< below the dataset's folder, with '/' between folders
  int64_t bytes = 0;
  int64_t changed = 0;  ///< when, as the file system counts; of a tar the archive
};

/// The files of a dataset on this machine: of a folder, or in a tar, gzipped or not.
struct UploadSource {
  std::filesystem::path path;
  bool is_tar = false;
  std::vector<UploadFile> files;  ///< those of a folder sorted, of a tar in its order
  int64_t bytes = 0;
  std::string id;  ///< tells them from others: a digest of names, sizes and time of change
};

/// Lists the files; those whose names, or whose folders' names, begin with a dot are left out. Links in a
/// folder are followed. Of a tar reads all of it, so that a damaged one is found before anything is sent.
/// NOT_FOUND; PERMISSION_DENIED; INVALID_ARGUMENT: neither folder nor tar, nothing in it, a damaged tar,
/// links in a tar, broken ones or a loop of them in a folder, or a path that a dataset can't have
/// (data/dataset_path.h).
absl::StatusOr<UploadSource> ListUpload(const std::filesystem::path& path);

/// Calls `visit` with each file from index `first` on, in the order of the list, and passes on the first
/// error of it. What is read may be shorter or longer than the list says if the file has changed since; the
/// visit of such a file is followed by an ABORTED that names it.
absl::Status VisitUpload(const UploadSource& source, int64_t first,
                         absl::FunctionRef<absl::Status(const UploadFile&, ByteSource&)> visit);

}  // namespace mae
