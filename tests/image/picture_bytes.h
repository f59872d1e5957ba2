#pragma once

#include <zlib.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "image/codec.h"

/// Picture files made in the test: by OpenCV, or by hand where it can't write them.
namespace mae {

/// A smooth picture without symmetry, so that a swapped channel, a turn or a missing row shows, and JPEG
/// loses little.
inline Picture Gradient(int64_t height, int64_t width, int64_t channels) {
  Picture picture{height, width, channels, {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const int64_t values[] = {40 + 200 * x / width, 30 + 180 * y / height, 120, 55 + 200 * x / width};
      for (int64_t c = 0; c < channels; ++c) picture.pixels.push_back(static_cast<uint8_t>(values[c]));
    }
  }
  return picture;
}

/// The picture as OpenCV has it: BGR(A), each value times `factor`.
inline cv::Mat AsBgr(const Picture& picture, int depth = CV_8U, double factor = 1) {
  cv::Mat mat(static_cast<int>(picture.height), static_cast<int>(picture.width),
              CV_8UC(static_cast<int>(picture.channels)));
  for (size_t i = 0; i < picture.pixels.size(); ++i) {
    const size_t channels = static_cast<size_t>(picture.channels), c = i % channels;
    const size_t swapped = channels >= 3 && c < 3 ? i - c + (2 - c) : i;
    mat.data[swapped] = picture.pixels[i];
  }
  mat.convertTo(mat, depth, factor);
  return mat;
}

/// A file of this extension, written by OpenCV.
inline std::string Encoded(const char* extension, const cv::Mat& mat,
                           const std::vector<int>& parameters = {}) {
  std::vector<uint8_t> bytes;
  cv::imencode(extension, mat, bytes, parameters);
  return std::string(bytes.begin(), bytes.end());
}

/// The largest difference of two values at the same place; 256 if the sizes differ.
inline int LargestDifference(const Picture& a, const Picture& b) {
  if (a.height != b.height || a.width != b.width || a.channels != b.channels) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

inline std::string BigEndian(uint64_t value, int size) {
  std::string bytes;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

inline std::string LittleEndian(uint64_t value, int size) {
  const std::string bytes = BigEndian(value, size);
  return std::string(bytes.rbegin(), bytes.rend());
}

inline std::string PngChunk(const std::string& name, const std::string& body) {
  const std::string checked = name + body;
  const uLong checksum =
      crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  return BigEndian(body.size(), 4) + checked + BigEndian(checksum, 4);
}

/// A PNG of these rows (each starts with its filter byte); `extra` stands between IHDR and IDAT.
inline std::string HandmadePng(uint32_t width, uint32_t height, int bit_depth, int color_type,
                               const std::string& rows, const std::string& extra = "") {
  uLongf size = compressBound(rows.size());
  std::string data(size, '\0');
  compress(reinterpret_cast<Bytef*>(data.data()), &size, reinterpret_cast<const Bytef*>(rows.data()),
           rows.size());
  data.resize(size);
  const std::string header = BigEndian(width, 4) + BigEndian(height, 4) + static_cast<char>(bit_depth) +
                             static_cast<char>(color_type) + std::string(3, '\0');
  return "\x89PNG\r\n\x1A\n" + PngChunk("IHDR", header) + extra + PngChunk("IDAT", data) +
         PngChunk("IEND", "");
}

/// A TIFF structure that says nothing but this orientation.
inline std::string ExifWithOrientation(int orientation) {
  return std::string("MM\0*", 4) + BigEndian(8, 4) + BigEndian(1, 2) + BigEndian(0x0112, 2) +
         BigEndian(3, 2) + BigEndian(1, 4) + BigEndian(static_cast<uint64_t>(orientation), 2) +
         std::string(2 + 4, '\0');
}

}  // namespace mae
