#include <torch/torch.h>

#include <cstring>

#include "interop/pth_file.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"
#include "tests/fuzz/input_folder.h"
#include "tests/interop/zip_writer.h"

namespace {

// A pickle, then the records of storages "0", "1", …: an archive whose checksums are right, which no mutation
// of one would have. Archives themselves are zip_fuzz's.
std::string ArchiveOf(mae::InputBytes input) {
  const std::string pickle(input.Part());
  std::vector<std::pair<std::string, std::string>> records;
  while (!input.empty()) records.emplace_back(std::to_string(records.size()), input.Part());
  return mae::TorchZipOf(pickle, records);
}

bool AreSame(const mae::NamedTensors& a, const mae::NamedTensors& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto& [x, y] = std::pair(a[i].second, b[i].second);
    const bool same = a[i].first == b[i].first && x.scalar_type() == y.scalar_type() &&
                      x.sizes() == y.sizes() &&
                      (x.nbytes() == 0 || std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0);
    if (!same) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  const std::string archive = ArchiveOf(mae::InputBytes(data, size));
  const auto tensors = mae::ReadPth(folder.Write("weights.pth", archive));
  if (!tensors.ok()) {
    FUZZ_REQUIRE(mae::IsRefusal(tensors.status()));
    return 0;
  }
  size_t bytes = 0;
  for (const auto& [name, tensor] : *tensors) bytes += tensor.nbytes();
  FUZZ_REQUIRE(bytes <= archive.size());
  std::string written;
  const absl::Status status = mae::WritePth(*tensors, [&written](std::string_view piece) {
    written.append(piece);
    return absl::OkStatus();
  });
  FUZZ_REQUIRE(status.ok());
  const auto again = mae::ReadPth(folder.Write("again.pth", written));
  FUZZ_REQUIRE(again.ok() || tensors->empty());
  if (again.ok()) FUZZ_REQUIRE(AreSame(*tensors, *again));
  return 0;
}
