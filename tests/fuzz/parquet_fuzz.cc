#include "data/parquet_images.h"
#include "tests/fuzz/encoded_dataset_check.h"
#include "tests/fuzz/input_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  folder.Write("train.parquet", bytes);
  folder.Write("validation.parquet", bytes);
  const auto dataset = mae::ScanParquetImages(folder.path(), 0, 0);
  if (!dataset.ok()) {
    FUZZ_REQUIRE(mae::IsRefusal(dataset.status()));
    return 0;
  }
  mae::CheckEncodedDataset(*dataset);
  return 0;
}
