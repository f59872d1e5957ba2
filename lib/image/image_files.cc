#include "image/image_files.h"

#include <opencv2/imgcodecs.hpp>

void MaeDecodeImageFile(const cv::Mat& bytes, int flags, cv::Mat& image) {
  image = cv::imdecode(bytes, flags);
}

void MaeEncodeImageFile(const std::string& extension, const cv::Mat& image, const std::vector<int>& options,
                        std::vector<uint8_t>& bytes) {
  cv::imencode(extension, image, bytes, options);
}
