#include "tests/augment/reference_images.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mae {
namespace {

std::map<std::string, ByteImage> ReadReferenceImages() {
  const char* source = std::getenv("MAE_SOURCE_DIR");
  const std::string folder = std::string(source == nullptr ? "." : source) + "/tests/augment/reference/";
  std::ifstream list(folder + "images.txt"), bytes(folder + "images.u8", std::ios::binary);
  std::map<std::string, ByteImage> images;
  std::string name;
  int64_t channels = 0, height = 0, width = 0;
  while (list >> name >> channels >> height >> width) {
    ByteImage& image = images[name];
    image.Reshape(channels, height, width);
    bytes.read(reinterpret_cast<char*>(image.pixels.data()),
               static_cast<std::streamsize>(image.pixels.size()));
  }
  if (images.empty() || !bytes) throw std::runtime_error("no whole reference images in " + folder);
  return images;
}

}  // namespace

const std::map<std::string, ByteImage>& ReferenceImages() {
  static const auto images = ReadReferenceImages();
  return images;
}

std::vector<std::string> ReferenceNames(const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& [name, image] : ReferenceImages()) {
    if (name.starts_with(prefix)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> NameParts(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream words(name);
  for (std::string part; std::getline(words, part, '/');) parts.push_back(part);
  return parts;
}

int LargestDifference(const ByteImage& left, const ByteImage& right) {
  if (left.channels != right.channels || left.height != right.height || left.width != right.width) return 256;
  int largest = 0;
  for (size_t i = 0; i < left.pixels.size(); ++i)
    largest = std::max(largest, std::abs(left.pixels[i] - right.pixels[i]));
  return largest;
}

}  // namespace mae
