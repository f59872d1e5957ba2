#include <set>
#include <vector>

#include "interop/pickle.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using mae::PickleValue;
using Kind = PickleValue::Kind;

// What the reader of state dicts takes for granted.
void CheckValue(const PickleValue& value) {
  if (value.kind == Kind::kDict) FUZZ_REQUIRE(value.items.size() % 2 == 0);
  if (value.kind == Kind::kStorage) FUZZ_REQUIRE(value.items.size() == 1 && value.integer >= 0);
  if (value.kind != Kind::kTensor) return;
  FUZZ_REQUIRE(value.items.size() == 4 && value.items[0]->kind == Kind::kStorage);
  for (const size_t sizes : {2, 3}) {
    for (const PickleValue* one : value.items[sizes]->items) FUZZ_REQUIRE(one->kind == Kind::kInteger);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto pickle = mae::Pickle::Parse({reinterpret_cast<const char*>(data), size});
  if (!pickle.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(pickle.status()));
    return 0;
  }
  std::set<const PickleValue*> seen = {&pickle->root()};
  std::vector<const PickleValue*> open = {&pickle->root()};
  while (!open.empty()) {
    const PickleValue& value = *open.back();
    open.pop_back();
    CheckValue(value);
    for (const PickleValue* item : value.items) {
      FUZZ_REQUIRE(item != nullptr);
      if (seen.insert(item).second) open.push_back(item);
    }
  }
  FUZZ_REQUIRE(seen.size() <= size);
  return 0;
}
