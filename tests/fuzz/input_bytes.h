#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mae {

/// An input taken apart, for targets that need more than one piece: numbers as they lie, parts behind their
/// length (two bytes, little-endian). Every input has a meaning: what is not there is 0 or empty. A view.
class InputBytes {
 public:
  InputBytes(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  template <typename Number>
  Number Take() {
    Number number{};
    const size_t count = std::min(sizeof(number), rest_.size());
    if (count > 0) std::memcpy(&number, rest_.data(), count);
    rest_.remove_prefix(count);
    return number;
  }

  std::string_view Part() {
    const auto length = Take<uint16_t>();
    return Cut(length);
  }

  /// Up to a newline, which falls off, or to the end.
  std::string_view Line() {
    const std::string_view line = Cut(std::min(rest_.find('\n'), rest_.size()));
    if (!rest_.empty()) rest_.remove_prefix(1);
    return line;
  }

  bool empty() const { return rest_.empty(); }
  std::string_view Rest() { return Cut(rest_.size()); }

 private:
  std::string_view Cut(size_t count) {
    const std::string_view cut = rest_.substr(0, count);
    rest_.remove_prefix(cut.size());
    return cut;
  }

  std::string_view rest_;
};

}  // namespace mae
