#include <gmock/gmock.h>
#include <malloc.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/image_picture.h"
#include "tests/data/file_bytes.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

// The server looks into datasets that others sent. It must not hold what a few bytes of gzip unpack to: what
// this program allocates is counted, so that the most that was held is known.
namespace {

std::atomic<int64_t> held_bytes = 0, most_held_bytes = 0;

void Count(int64_t bytes) {
  const int64_t held = held_bytes += bytes;
  int64_t most = most_held_bytes;
  while (held > most && !most_held_bytes.compare_exchange_weak(most, held)) {
  }
}

}  // namespace

// Not inlined: a compiler that sees free() but no malloc() warns of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  Count(static_cast<int64_t>(malloc_usable_size(memory)));
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr) Count(-static_cast<int64_t>(malloc_usable_size(memory)));
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace mae {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kSplitBytes = 64 * kMiB;
constexpr int64_t kBound = 8 * kMiB;

// What `work` holds at most, on top of what was held before.
int64_t MostHeldBy(const std::function<void()>& work) {
  const int64_t before = held_bytes;
  most_held_bytes = before;
  work();
  return most_held_bytes - before;
}

std::string BigEndian(int64_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 0xff);
  return bytes;
}

// A header and zeros, of which gzip leaves next to nothing.
void WriteGzOfZeros(const std::filesystem::path& path, const std::string& header, int64_t zeros) {
  const gzFile file = gzopen(path.c_str(), "wb1");
  if (file == nullptr) throw std::runtime_error("cannot open " + path.string());
  const std::string block(kMiB, '\0');
  bool written = gzwrite(file, header.data(), static_cast<unsigned>(header.size())) > 0;
  for (int64_t left = zeros; written && left > 0; left -= kMiB)
    written = gzwrite(file, block.data(), static_cast<unsigned>(std::min(left, kMiB))) > 0;
  if (gzclose(file) != Z_OK || !written) throw std::runtime_error("cannot write " + path.string());
}

// Training images of these sides, 64 MiB of them, and two for validation.
void WriteLargeIdx(const std::filesystem::path& folder, int64_t side) {
  WriteIdxDataset(folder, 2, 2, side, side, 1);
  std::filesystem::remove(folder / "train-images-idx3-ubyte");
  std::filesystem::remove(folder / "train-labels-idx1-ubyte");
  const int64_t count = kSplitBytes / side / side;
  WriteGzOfZeros(folder / "train-images-idx3-ubyte.gz",
                 BigEndian(0x803) + BigEndian(count) + BigEndian(side) + BigEndian(side), kSplitBytes);
  WriteGzOfZeros(folder / "train-labels-idx1-ubyte.gz", BigEndian(0x801) + BigEndian(count), count);
}

// Zeros are records of class 0: 20,000 images, 58 MiB.
void WriteLargeCifar(const std::filesystem::path& folder) {
  WriteCifar10Dataset(folder, 1);
  std::filesystem::resize_file(folder / "data_batch_3.bin", 20'000 * 3073);
}

void ExpectHoldsLittle(const std::filesystem::path& folder, int64_t images) {
  DatasetInfo info;
  EXPECT_LT(MostHeldBy([&] {
              info = InspectDataset("large", folder).value();
              EXPECT_THAT(MeasurePixels(info), IsOk());
            }),
            kBound);
  ASSERT_EQ(info.train_images, images);
  std::vector<int64_t> visited;
  const ImageChoice last = {images - 1, 1, images};
  EXPECT_LT(MostHeldBy([&] {
              EXPECT_THAT(VisitPictures(info, Split::kTrain, last,
                                        [&](int64_t index, int64_t, const Picture&) {
                                          visited.push_back(index);
                                          return absl::OkStatus();
                                        }),
                          IsOk());
            }),
            kBound);
  EXPECT_THAT(visited, testing::ElementsAre(images - 1));
}

TEST(DatasetMemory, WhoLooksIntoIdxHoldsAFewImagesOfIt) {
  const TempFolder folder;
  WriteLargeIdx(folder.path(), 1024);
  ExpectHoldsLittle(folder.path(), 64);
}

TEST(DatasetMemory, LabelsAreNotHeldEither) {
  const TempFolder folder;
  WriteLargeIdx(folder.path(), 2);  // 16 MiB of labels
  EXPECT_LT(MostHeldBy([&] { EXPECT_THAT(InspectDataset("small", folder.path()), IsOk()); }), kBound);
}

TEST(DatasetMemory, WhoLooksIntoCifarHoldsAFewImagesOfIt) {
  const TempFolder folder;
  WriteLargeCifar(folder.path());
  ExpectHoldsLittle(folder.path(), 20'004);
}

// So that the others can be trusted.
TEST(DatasetMemory, WhoTrainsHoldsASplitWhole) {
  const TempFolder folder;
  WriteLargeIdx(folder.path(), 1024);
  EXPECT_GE(MostHeldBy([&] { EXPECT_THAT(LoadSplit("idx", folder.path(), Split::kTrain, 0), IsOk()); }),
            kSplitBytes);
}

}  // namespace
}  // namespace mae
