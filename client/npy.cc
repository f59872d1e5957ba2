#include "client/npy.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mae {

absl::StatusOr<std::string> NpyFile(int64_t rows, int64_t columns, absl::string_view data) {
  if (static_cast<int64_t>(data.size()) != rows * columns * 4) {
    return absl::InvalidArgumentError(
        absl::StrCat(data.size(), " bytes are not ", rows, " x ", columns, " float32 values"));
  }
  std::string header =
      absl::StrFormat("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, columns);
  // Magic, version and length are 10 bytes; all with the closing newline is a multiple of 64.
  header.resize((header.size() + 10 + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xFF);
  file += static_cast<char>(header.size() >> 8);
  return absl::StrCat(file, header, data);
}

}  // namespace mae
