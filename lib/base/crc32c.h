#pragma once

#include <cstdint>
#include <string_view>

namespace mae {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of the bytes: the checksum of TFRecord files. A table look-up
/// a byte, some hundred MB/s. Thread-safe.
uint32_t Crc32c(std::string_view bytes);

}  // namespace mae
