#include "mae/v1/job.pb.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/resolved_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mae::v1::JobSpec spec;
  if (size > 0 && !spec.ParseFromArray(data, static_cast<int>(size))) return 0;
  spec.DiscardUnknownFields();  // of a newer client, which nothing here keeps
  mae::CheckResolves(spec);
  return 0;
}
