#pragma once

#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

/// Whole files in and out, so that a test can damage one. Failures throw std::runtime_error.
namespace mae {

inline std::string FileBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void SetFileBytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

inline void SetGzBytes(const std::filesystem::path& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb6");
  if (file == nullptr) throw std::runtime_error("cannot open " + path.string());
  const int written = gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  if (gzclose(file) != Z_OK || written != static_cast<int>(bytes.size())) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

/// Replaces one byte; a negative offset counts from the end.
inline void SetByte(const std::filesystem::path& path, int64_t offset, char value) {
  std::string bytes = FileBytes(path);
  bytes.at(offset < 0 ? bytes.size() + offset : offset) = value;
  SetFileBytes(path, bytes);
}

inline void FlipBit(const std::filesystem::path& path, int64_t offset) {
  SetByte(path, offset, static_cast<char>(FileBytes(path).at(offset) ^ 0x10));
}

/// Cuts bytes off the end.
inline void CutOff(const std::filesystem::path& path, int64_t count) {
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - count);
}

}  // namespace mae
