#include "client/npy.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mae {

absl::StatusOr<std::string> NpyFile(const std::vector<int64_t>& shape, absl::string_view data) {
  int64_t bytes = sizeof(float);
  for (const int64_t size : shape) bytes *= size;
  if (shape.empty() || static_cast<int64_t>(data.size()) != bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(data.size(), " bytes are not [", absl::StrJoin(shape, ", "), "] float32 values"));
  }
  std::string header = absl::StrCat("{'descr': '<f4', 'fortran_order': False, 'shape': (",
                                    absl::StrJoin(shape, ", "), shape.size() == 1 ? "," : "", "), }");
  // Magic, version and length are 10 bytes; all with the closing newline is a multiple of 64.
  header.resize((header.size() + 10 + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xFF);
  file += static_cast<char>(header.size() >> 8);
  return absl::StrCat(file, header, data);
}

}  // namespace mae
