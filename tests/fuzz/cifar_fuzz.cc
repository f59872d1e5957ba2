#include "data/cifar.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"
#include "tests/fuzz/input_folder.h"
#include "tests/fuzz/right_sums.h"

namespace {

// The two files of CIFAR-100, or an archive of either dataset, by the first byte.
std::filesystem::path WriteFiles(mae::InputBytes input, const mae::InputFolder& folder) {
  if (input.Take<uint8_t>() % 2 == 1) return folder.Write("archive.tar.gz", mae::WithTarSums(input.Rest()));
  folder.Write("test.bin", input.Part());
  folder.Write("train.bin", input.Rest());
  return folder.path();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  folder.Clear();
  const auto path = WriteFiles(mae::InputBytes(data, size), folder);
  const auto info = mae::InspectCifar(path);
  if (!info.ok() || !info->has_value()) {
    FUZZ_REQUIRE(info.ok() || mae::IsRefusal(info.status()));
    return 0;
  }
  for (const auto split : {mae::Split::kTrain, mae::Split::kValidation}) {
    const auto set = mae::LoadCifar((*info)->format, path, split, 0);
    if (!set.ok()) {
      FUZZ_REQUIRE(mae::IsRefusal(set.status()));
      continue;
    }
    FUZZ_REQUIRE(static_cast<int64_t>(set->pixels.size()) == set->count * set->image_bytes());
    FUZZ_REQUIRE(static_cast<int64_t>(set->labels.size()) == set->count);
    for (const int64_t label : set->labels)
      FUZZ_REQUIRE(label >= 0 && label < static_cast<int64_t>((*info)->labels.size()));
  }
  return 0;
}
