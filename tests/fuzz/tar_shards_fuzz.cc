#include "data/tar_shards.h"
#include "tests/fuzz/encoded_dataset_check.h"
#include "tests/fuzz/input_bytes.h"
#include "tests/fuzz/input_folder.h"
#include "tests/fuzz/right_sums.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  mae::InputBytes input(data, size);
  folder.Write("classes.txt", input.Part());
  folder.Write("val.tar", mae::WithTarSums(input.Part()));
  folder.Write("train.tar", mae::WithTarSums(input.Rest()));
  const auto dataset = mae::ScanTarShards(folder.path());
  if (!dataset.ok()) {
    FUZZ_REQUIRE(mae::IsRefusal(dataset.status()));
    return 0;
  }
  mae::CheckEncodedDataset(*dataset);
  return 0;
}
