#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Pieces of pickles, for tests that write them by hand.
namespace mae {

inline std::string PickledText(const std::string& text) {
  const auto length = static_cast<uint32_t>(text.size());
  return "X" + std::string(reinterpret_cast<const char*>(&length), 4) + text;
}

inline std::string PickledInteger(int64_t value) {
  return std::string("\x8a\x08", 2) + std::string(reinterpret_cast<const char*>(&value), 8);
}

inline std::string PickledTuple(std::initializer_list<int64_t> values) {
  std::string tuple = "(";
  for (const int64_t value : values) tuple += PickledInteger(value);
  return tuple + "t";
}

/// A tensor over storage `key`, which it says holds `values` values of `type` ("FloatStorage").
inline std::string PickledTensor(const std::string& key, int64_t values, int64_t offset,
                                 const std::string& sizes, const std::string& strides,
                                 const std::string& type = "FloatStorage") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + PickledText("storage") + "ctorch\n" + type + "\n" +
         PickledText(key) + PickledText("cpu") + PickledInteger(values) + "tQ" + PickledInteger(offset) +
         sizes + strides + "\x89" + "ccollections\nOrderedDict\n)RtR";
}

/// A whole pickle around one value.
inline std::string PickleOf(const std::string& value) { return "\x80\x02" + value + "."; }

/// {"w": tensor}
inline std::string PickledStateDict(const std::string& tensor) {
  return PickleOf("}(" + PickledText("w") + tensor + "u");
}

}  // namespace mae
