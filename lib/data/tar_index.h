#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace mae {

/// A regular file of an uncompressed tar, by where its bytes lie, so that it can be read again in any order.
struct TarPlace {
  std::string path;  ///< as the archive has it
  int64_t offset = 0, bytes = 0;
};

/// Walks the headers of an uncompressed tar (ustar, GNU and pax) without reading what lies between them.
/// libarchive, which data/tar_archive.h uses, does not tell where the bytes of a member are. Links, devices
/// and folders are left out; nothing is ever unpacked, so names may be anything. NOT_FOUND; INVALID_ARGUMENT
/// for a header whose checksum is wrong, a size that does not fit the file, or an archive that ends within a
/// member, naming the offset; gzip is named as such.
absl::StatusOr<std::vector<TarPlace>> IndexTar(const std::filesystem::path& archive);

}  // namespace mae
