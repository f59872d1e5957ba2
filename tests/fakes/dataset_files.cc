#include "tests/fakes/dataset_files.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
#include <random>
#include <stdexcept>
#include <string>

namespace mae {
namespace {

struct Shape {
  int64_t channels, height, width, classes;
};

// The grating of a class: its direction turns with the label, its wave is a third of the image; channels are
// shifted.
double Grating(const Shape& shape, int64_t label, int64_t channel, int64_t row, int64_t column) {
  const double angle = std::numbers::pi * static_cast<double>(label) / static_cast<double>(shape.classes);
  const double along = std::cos(angle) * static_cast<double>(column) / static_cast<double>(shape.width) +
                       std::sin(angle) * static_cast<double>(row) / static_cast<double>(shape.height);
  return std::sin(2 * std::numbers::pi * (3 * along + static_cast<double>(channel) / 3));
}

void AppendImage(const Shape& shape, int64_t label, std::mt19937& noise, std::string& bytes) {
  for (int64_t channel = 0; channel < shape.channels; ++channel) {
    for (int64_t row = 0; row < shape.height; ++row) {
      for (int64_t column = 0; column < shape.width; ++column) {
        const double value =
            128 + 80 * Grating(shape, label, channel, row, column) + static_cast<double>(noise() % 41) - 20;
        bytes.push_back(static_cast<char>(std::lround(value)));
      }
    }
  }
}

void WritePlain(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

void WriteGz(const std::filesystem::path& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb1");
  if (file == nullptr) throw std::runtime_error("cannot open " + path.string());
  const bool written =
      gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size());
  if (gzclose(file) != Z_OK || !written) throw std::runtime_error("cannot write " + path.string());
}

void AppendBigEndian(int64_t value, std::string& bytes) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift & 0xFF));
}

void WriteIdxFile(const std::filesystem::path& path, const std::string& bytes, IdxPacking packing) {
  if (packing == IdxPacking::kPlain) return WritePlain(path, bytes);
  WriteGz(path.string() + ".gz", bytes);
}

void WriteIdxSplit(const std::filesystem::path& folder, const std::string& prefix, int64_t count,
                   const Shape& shape, unsigned noise_seed, IdxPacking packing) {
  std::mt19937 noise(noise_seed);
  std::string images, labels;
  for (int64_t value : {int64_t{0x803}, count, shape.height, shape.width}) AppendBigEndian(value, images);
  for (int64_t value : {int64_t{0x801}, count}) AppendBigEndian(value, labels);
  for (int64_t i = 0; i < count; ++i) {
    AppendImage(shape, i % shape.classes, noise, images);
    labels.push_back(static_cast<char>(i % shape.classes));
  }
  WriteIdxFile(folder / (prefix + "-images-idx3-ubyte"), images, packing);
  WriteIdxFile(folder / (prefix + "-labels-idx1-ubyte"), labels, packing);
}

// Records whose first image is number `first` of its split.
std::string CifarRecords(int64_t first, int64_t count, int64_t classes, unsigned noise_seed) {
  const Shape shape{3, 32, 32, classes};
  std::mt19937 noise(noise_seed);
  std::string bytes;
  for (int64_t i = first; i < first + count; ++i) {
    const int64_t label = i % classes;
    if (classes == 100) bytes.push_back(static_cast<char>(label / 5));
    bytes.push_back(static_cast<char>(label));
    AppendImage(shape, label, noise, bytes);
  }
  return bytes;
}

}  // namespace

void WriteIdxDataset(const std::filesystem::path& folder, int64_t train_images, int64_t validation_images,
                     int64_t height, int64_t width, int64_t classes, IdxPacking packing) {
  std::filesystem::create_directories(folder);
  const Shape shape{1, height, width, classes};
  WriteIdxSplit(folder, "train", train_images, shape, 1, packing);
  WriteIdxSplit(folder, "t10k", validation_images, shape, 2, packing);
}

void WriteCifar10Dataset(const std::filesystem::path& folder, int64_t images_per_batch) {
  std::filesystem::create_directories(folder);
  for (int batch = 0; batch < 5; ++batch) {
    WritePlain(folder / ("data_batch_" + std::to_string(batch + 1) + ".bin"),
               CifarRecords(batch * images_per_batch, images_per_batch, 10, batch + 1));
  }
  WritePlain(folder / "test_batch.bin", CifarRecords(0, images_per_batch, 10, 6));
}

void WriteCifar100Dataset(const std::filesystem::path& folder, int64_t train_images,
                          int64_t validation_images) {
  std::filesystem::create_directories(folder);
  WritePlain(folder / "train.bin", CifarRecords(0, train_images, 100, 1));
  WritePlain(folder / "test.bin", CifarRecords(0, validation_images, 100, 2));
}

}  // namespace mae
