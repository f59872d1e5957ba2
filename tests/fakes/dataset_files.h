#pragma once

#include <cstdint>
#include <filesystem>

/// Small dataset files with content that a model can learn in seconds: each class is a grating of its own
/// direction, with noise that differs from image to image. Image i has label i mod classes. The same
/// arguments give the same bytes. Folders are made; failures to write throw std::runtime_error, so that a
/// test cannot go on without its data.
namespace mae {

enum class IdxPacking { kPlain, kGz };

/// The four IDX files of a dataset like Fashion-MNIST, one channel.
void WriteIdxDataset(const std::filesystem::path& folder, int64_t train_images, int64_t validation_images,
                     int64_t height = 28, int64_t width = 28, int64_t classes = 10,
                     IdxPacking packing = IdxPacking::kPlain);

/// data_batch_1.bin to data_batch_5.bin and test_batch.bin, 3 x 32 x 32, 10 classes.
void WriteCifar10Dataset(const std::filesystem::path& folder, int64_t images_per_batch);

/// train.bin and test.bin, 3 x 32 x 32, 100 classes; coarse labels are the fine ones by fives.
void WriteCifar100Dataset(const std::filesystem::path& folder, int64_t train_images,
                          int64_t validation_images);

}  // namespace mae
