#pragma once

#include <filesystem>
#include <string>

#include "image/codec.h"
#include "tests/data/file_bytes.h"

/// Pictures of one colour as PNG files.
namespace mae {

inline std::string PlainPng(int64_t height, int64_t width, std::vector<uint8_t> colour) {
  Picture picture{height, width, static_cast<int64_t>(colour.size()), {}};
  for (int64_t i = 0; i < height * width; ++i)
    picture.pixels.insert(picture.pixels.end(), colour.begin(), colour.end());
  return EncodePng(picture).value();
}

inline void WritePng(const std::filesystem::path& path, int64_t height, int64_t width,
                     const std::vector<uint8_t>& colour) {
  std::filesystem::create_directories(path.parent_path());
  SetFileBytes(path, PlainPng(height, width, colour));
}

/// train/{cat,dog} and val/{cat,dog}, three and one RGB pictures each of 8x8: red cats, blue dogs.
inline void WriteCatsAndDogs(const std::filesystem::path& root) {
  for (int i = 0; i < 3; ++i) {
    WritePng(root / "train/cat" / (std::to_string(i) + ".png"), 8, 8, {255, 0, 0});
    WritePng(root / "train/dog" / (std::to_string(i) + ".png"), 8, 8, {0, 0, 255});
  }
  WritePng(root / "val/cat/a.png", 8, 8, {255, 0, 0});
  WritePng(root / "val/dog/a.png", 8, 8, {0, 0, 255});
}

}  // namespace mae
