#include "data/idx.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"
#include "tests/fuzz/input_folder.h"

namespace {

// Images and labels, which serve as both splits; the bits of the first byte say which are named .gz.
void WriteFiles(mae::InputBytes input, const mae::InputFolder& folder) {
  const auto named_gz = input.Take<uint8_t>();
  const std::string_view images = input.Part(), labels = input.Rest();
  for (const std::string split : {"train", "t10k"}) {
    folder.Write(split + "-images-idx3-ubyte" + ((named_gz & 1) != 0 ? ".gz" : ""), images);
    folder.Write(split + "-labels-idx1-ubyte" + ((named_gz & 2) != 0 ? ".gz" : ""), labels);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  folder.Clear();
  WriteFiles(mae::InputBytes(data, size), folder);
  FUZZ_REQUIRE(mae::HasIdxFiles(folder.path()));
  const auto info = mae::InspectIdx(folder.path());
  const auto set = mae::LoadIdx(folder.path(), mae::Split::kTrain, 0);
  if (!info.ok()) FUZZ_REQUIRE(mae::IsRefusal(info.status()) && !set.ok());
  if (!set.ok()) {
    FUZZ_REQUIRE(mae::IsRefusal(set.status()));
    return 0;
  }
  FUZZ_REQUIRE(set->count == info->train_images);
  FUZZ_REQUIRE(static_cast<int64_t>(set->pixels.size()) == set->count * set->image_bytes());
  FUZZ_REQUIRE(static_cast<int64_t>(set->labels.size()) == set->count);
  for (const int64_t label : set->labels)
    FUZZ_REQUIRE(label >= 0 && label < static_cast<int64_t>(info->labels.size()));
  return 0;
}
