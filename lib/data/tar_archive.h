#pragma once

#include <cstdint>
#include <filesystem>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "data/byte_source.h"

namespace mae {

/// One regular file in an archive; valid only during its visit.
class TarMember : public ByteSource {
 public:
  /// File name without folders: nothing is ever written, so where an archive wants its files does not matter.
  virtual const std::string& base_name() const = 0;
  /// As the archive has it: anything.
  virtual const std::string& path() const = 0;
  /// As the header claims; no more than that comes out of Read.
  virtual int64_t size() const = 0;
};

struct TarOptions {
  int64_t max_bytes = kMaxDatasetFileBytes;  ///< of the archive, unpacked
  /// Links, devices and sparse files are an INVALID_ARGUMENT that names them, else they are left out.
  bool refuse_others = false;
};

/// Calls `visit` with each regular file of a tar (gzipped or not), in the archive's order, and passes on the
/// first error of it. Folders are left out. Reads the archive to its end:
/// some seconds a gigabyte. A visit may read its member or not. NOT_FOUND; INVALID_ARGUMENT if the archive is
/// damaged or holds more than the options say.
absl::Status VisitTar(const std::filesystem::path& archive, absl::FunctionRef<absl::Status(TarMember&)> visit,
                      const TarOptions& options = {});

}  // namespace mae
