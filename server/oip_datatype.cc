#include "server/oip_datatype.h"

namespace mae {
namespace {

struct Datatype {
  inference::DataType type;
  std::string_view name;
  int64_t bytes;
};

constexpr Datatype kDatatypes[] = {
    {inference::TYPE_BOOL, "BOOL", 1},     {inference::TYPE_UINT8, "UINT8", 1},
    {inference::TYPE_UINT16, "UINT16", 2}, {inference::TYPE_UINT32, "UINT32", 4},
    {inference::TYPE_UINT64, "UINT64", 8}, {inference::TYPE_INT8, "INT8", 1},
    {inference::TYPE_INT16, "INT16", 2},   {inference::TYPE_INT32, "INT32", 4},
    {inference::TYPE_INT64, "INT64", 8},   {inference::TYPE_FP16, "FP16", 2},
    {inference::TYPE_FP32, "FP32", 4},     {inference::TYPE_FP64, "FP64", 8},
    {inference::TYPE_STRING, "BYTES", 0},  {inference::TYPE_BF16, "BF16", 2},
};

}  // namespace

std::string_view DatatypeName(inference::DataType type) {
  for (const Datatype& known : kDatatypes) {
    if (known.type == type) return known.name;
  }
  return "";
}

std::optional<inference::DataType> DatatypeOf(std::string_view name) {
  for (const Datatype& known : kDatatypes) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

int64_t ValueBytes(inference::DataType type) {
  for (const Datatype& known : kDatatypes) {
    if (known.type == type) return known.bytes;
  }
  return 0;
}

}  // namespace mae
