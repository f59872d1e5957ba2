#pragma once

#include <map>
#include <string>
#include <vector>

#include "image/byte_image.h"

/// What Pillow and timm made of small pictures: tests/augment/reference, by
/// tools/make-augmentation-references.
namespace mae {

/// All of them by name: "source/rgb", "op/rgb/Rotate/9.4/1/bicubic", … Throws std::runtime_error if they are
/// not there.
const std::map<std::string, ByteImage>& ReferenceImages();

/// Names that start with `prefix`, sorted.
std::vector<std::string> ReferenceNames(const std::string& prefix);

/// The parts of a name between its slashes.
std::vector<std::string> NameParts(const std::string& name);

/// The largest difference of any value; 256 if the shapes differ.
int LargestDifference(const ByteImage& left, const ByteImage& right);

}  // namespace mae
