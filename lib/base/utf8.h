#pragma once

#include <string_view>

namespace mae {

/// Whether text is UTF-8 as RFC 3629 has it, and so fits a string of protobuf: nothing written longer than it
/// need be, no surrogates, nothing beyond U+10FFFF. Pure.
bool IsUtf8(std::string_view text);

}  // namespace mae
