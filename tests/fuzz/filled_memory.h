#pragma once

#include <cstdint>
#include <cstring>
#include <opencv2/core.hpp>

namespace mae {

/// OpenCV's memory for matrices, filled with a byte before it is handed out: what a decoder leaves unwritten,
/// which may be another caller's picture, then shows as a difference between two fillings. Not thread-safe.
class FilledMemory : public cv::MatAllocator {
 public:
  uint8_t filling = 0;

  cv::UMatData* allocate(int dims, const int* sizes, int type, void* data, size_t* step, cv::AccessFlag flags,
                         cv::UMatUsageFlags usage) const override {
    cv::UMatData* const made = standard_->allocate(dims, sizes, type, data, step, flags, usage);
    if (made != nullptr && data == nullptr) std::memset(made->data, filling, made->size);
    return made;
  }
  bool allocate(cv::UMatData* data, cv::AccessFlag flags, cv::UMatUsageFlags usage) const override {
    return standard_->allocate(data, flags, usage);
  }
  void deallocate(cv::UMatData* data) const override { standard_->deallocate(data); }

 private:
  cv::MatAllocator* const standard_ = cv::Mat::getStdAllocator();
};

}  // namespace mae
