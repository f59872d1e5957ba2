#include <vector>

#include "data/tar_archive.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_folder.h"
#include "tests/fuzz/right_sums.h"

namespace {

constexpr int64_t kMaxBytes = 1 << 20;

// Reads a member to its end; no more may come than its header claims, or a small archive could fill memory.
absl::Status ReadWhole(mae::TarMember& member) {
  std::vector<uint8_t> buffer(4096);
  int64_t bytes = 0;
  for (;;) {
    const auto count = member.Read(absl::MakeSpan(buffer));
    if (!count.ok()) return count.status();
    bytes += *count;
    FUZZ_REQUIRE(bytes <= member.size());
    if (*count < static_cast<int64_t>(buffer.size())) return absl::OkStatus();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  const auto archive =
      folder.Write("archive.tar", mae::WithTarSums({reinterpret_cast<const char*>(data), size}));
  for (const bool refuse_others : {false, true}) {
    int64_t members = 0;
    const auto visit = [&members](mae::TarMember& member) {
      FUZZ_REQUIRE(member.size() >= 0 && member.size() <= kMaxBytes);
      FUZZ_REQUIRE(member.base_name().find('/') == std::string::npos);
      ++members;
      return ReadWhole(member);
    };
    const absl::Status status = mae::VisitTar(archive, visit, {kMaxBytes, refuse_others});
    FUZZ_REQUIRE(status.ok() || mae::IsRefusal(status));
    FUZZ_REQUIRE(members <= kMaxBytes / 512);
  }
  return 0;
}
