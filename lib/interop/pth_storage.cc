#include "interop/pth_storage.h"

namespace mae {
namespace {

struct StorageName {
  const char* name;
  torch::ScalarType type;
};

constexpr StorageName kStorageNames[] = {
    {"DoubleStorage", torch::kDouble},     {"FloatStorage", torch::kFloat}, {"HalfStorage", torch::kHalf},
    {"BFloat16Storage", torch::kBFloat16}, {"LongStorage", torch::kLong},   {"IntStorage", torch::kInt},
    {"ShortStorage", torch::kShort},       {"CharStorage", torch::kChar},   {"ByteStorage", torch::kByte},
    {"BoolStorage", torch::kBool}};

}  // namespace

std::optional<torch::ScalarType> TypeOfStorage(std::string_view storage_name) {
  for (const auto& known : kStorageNames) {
    if (storage_name == known.name) return known.type;
  }
  return std::nullopt;
}

std::string StorageNameOf(torch::ScalarType type) {
  for (const auto& known : kStorageNames) {
    if (type == known.type) return known.name;
  }
  return "";
}

}  // namespace mae
