#include "data/byte_source.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace mae {

absl::Status ReadExactly(ByteSource& source, absl::Span<uint8_t> out) {
  MAE_ASSIGN_OR_RETURN(const int64_t count, source.Read(out));
  if (count == static_cast<int64_t>(out.size())) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", source.name(), "' is truncated: it ends ",
                                                 static_cast<int64_t>(out.size()) - count,
                                                 " bytes or more before the end that its header gives"));
}

absl::Status AppendBytes(ByteSource& source, int64_t count, std::vector<uint8_t>& bytes) {
  constexpr int64_t kChunk = int64_t{1} << 20;
  while (count > 0) {
    const int64_t chunk = std::min(count, kChunk);
    const size_t old_size = bytes.size();
    bytes.resize(old_size + chunk);
    MAE_RETURN_IF_ERROR(ReadExactly(source, absl::MakeSpan(bytes).subspan(old_size)));
    count -= chunk;
  }
  return absl::OkStatus();
}

}  // namespace mae
