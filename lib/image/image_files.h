#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

/// OpenCV's readers and writers of image files, apart from the programs: libmae_image_files.so, which
/// image/codec.h loads with the first picture. They bring a hundred libraries (GDAL and what that needs),
/// which cost every start 70 ms and 14 MiB. Functions of their arguments, safe from any thread; the module
/// and the programs are of one build. They throw what OpenCV throws.

/// cv::imdecode.
extern "C" void MaeDecodeImageFile(const cv::Mat& bytes, int flags, cv::Mat& image);

/// cv::imencode.
extern "C" void MaeEncodeImageFile(const std::string& extension, const cv::Mat& image,
                                   const std::vector<int>& options, std::vector<uint8_t>& bytes);
