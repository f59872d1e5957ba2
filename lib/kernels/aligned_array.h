#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace mae {

/// `size` zeroed values that start on a cache line. T: a trivial type.
template <typename T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t size) : values_(new (kLine) T[size]()), size_(size) {}
  /// The same, of any values.
  static AlignedArray Unset(size_t size) {
    AlignedArray array;
    array.values_.reset(new (kLine) T[size]);
    array.size_ = size;
    return array;
  }

  T* data() { return values_.get(); }
  const T* data() const { return values_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(T* values) const { ::operator delete[](values, kLine); }
  };
  std::unique_ptr<T[], Free> values_;
  size_t size_ = 0;
};

}  // namespace mae
