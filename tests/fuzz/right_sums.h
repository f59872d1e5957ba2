#pragma once

#include <string>
#include <string_view>

/// Inputs whose checksums are made right, so that what a fuzzer changed is not refused for its sum alone.
/// What is no such format stays as it is. Pure.
namespace mae {

/// Blocks of 512 bytes with the magic of ustar or GNU tar get their header's sum.
std::string WithTarSums(std::string_view archive);

/// Chunks of a PNG get their CRC, as far as they are whole.
std::string WithPngSums(std::string_view picture);

}  // namespace mae
