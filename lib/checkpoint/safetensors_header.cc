#include "checkpoint/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "checkpoint/safetensors_json.h"

namespace mae {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie in memory");

constexpr int64_t kMaxHeaderBytes = 100'000'000;
constexpr uint64_t kMaxInt64 = std::numeric_limits<int64_t>::max();

struct TypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr TypeName kTypeNames[] = {
    {"F64", torch::kFloat64}, {"F32", torch::kFloat32}, {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16},
    {"I64", torch::kInt64},   {"I32", torch::kInt32},   {"I16", torch::kInt16},   {"I8", torch::kInt8},
    {"U8", torch::kUInt8},    {"BOOL", torch::kBool}};

absl::Status Fault(const std::string& tensor, const std::string& reason) {
  return absl::InvalidArgumentError(absl::StrCat("tensor ", tensor, ": ", reason));
}

absl::StatusOr<torch::ScalarType> TypeOf(const TensorJson& tensor) {
  for (const auto& known : kTypeNames) {
    if (tensor.dtype == known.name) return known.type;
  }
  return Fault(tensor.name, absl::StrCat("dtype ", tensor.dtype, " is not supported"));
}

absl::StatusOr<const char*> NameOf(const std::string& tensor, torch::ScalarType type) {
  for (const auto& known : kTypeNames) {
    if (type == known.type) return known.name;
  }
  return Fault(tensor, absl::StrCat("type ", c10::toString(type), " has no safetensors dtype"));
}

// Also refuses a shape whose product of non-zero sizes overflows, which LibTorch could not stride.
absl::StatusOr<int64_t> BytesOf(const TensorJson& tensor, torch::ScalarType type) {
  const auto item = static_cast<uint64_t>(c10::elementSize(type));
  uint64_t extent = item;
  bool empty = false;
  for (const uint64_t size : tensor.shape) {
    if (size == 0) empty = true;
    const uint64_t factor = size == 0 ? 1 : size;
    if (__builtin_mul_overflow(extent, factor, &extent) || extent > kMaxInt64) {
      return Fault(tensor.name, absl::StrCat("shape [", absl::StrJoin(tensor.shape, ","), "] overflows"));
    }
  }
  return empty ? 0 : static_cast<int64_t>(extent);
}

absl::StatusOr<TensorEntry> EntryOf(const TensorJson& tensor, int64_t data_bytes) {
  MAE_ASSIGN_OR_RETURN(const auto type, TypeOf(tensor));
  MAE_ASSIGN_OR_RETURN(const int64_t bytes, BytesOf(tensor, type));
  if (tensor.begin > tensor.end || tensor.end > static_cast<uint64_t>(data_bytes)) {
    return Fault(tensor.name, absl::StrCat("data_offsets [", tensor.begin, ",", tensor.end,
                                           "] are not inside the ", data_bytes, " bytes of data"));
  }
  if (tensor.end - tensor.begin != static_cast<uint64_t>(bytes)) {
    return Fault(tensor.name,
                 absl::StrCat("data_offsets [", tensor.begin, ",", tensor.end, "] hold ",
                              tensor.end - tensor.begin, " bytes, shape and dtype need ", bytes));
  }
  return TensorEntry{tensor.name,
                     type,
                     {tensor.shape.begin(), tensor.shape.end()},
                     static_cast<int64_t>(tensor.begin),
                     static_cast<int64_t>(tensor.end)};
}

absl::Status CheckContiguous(const std::vector<TensorEntry>& entries, int64_t data_bytes) {
  int64_t end = 0;
  for (const auto& entry : entries) {
    if (entry.begin != end) {
      return Fault(entry.name,
                   absl::StrCat("data_offsets begin at ", entry.begin, ", the bytes before end at ", end));
    }
    end = entry.end;
  }
  if (end == data_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("data has ", data_bytes, " bytes, the tensors need ", end,
                                                 ": cut off, or something follows"));
}

absl::Status CheckWritable(const NamedTensors& tensors) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    if (!names.insert(name).second) return Fault(name, "the name is given twice");
    if (name == "__metadata__") return Fault(name, "the format keeps this name for itself");
    if (!tensor.defined()) return Fault(name, "is undefined");
    if (tensor.layout() != torch::kStrided) return Fault(name, "is not dense");
    MAE_RETURN_IF_ERROR(NameOf(name, tensor.scalar_type()).status());
  }
  return absl::OkStatus();
}

// Sorted by name, as nlohmann keeps objects: the order of bytes is in the offsets.
absl::StatusOr<std::string> HeaderText(const NamedTensors& tensors,
                                       const std::map<std::string, std::string>& metadata) {
  nlohmann::json json = {{"__metadata__", metadata}};
  int64_t begin = 0;
  for (const auto& [name, tensor] : tensors) {
    MAE_ASSIGN_OR_RETURN(const char* const type, NameOf(name, tensor.scalar_type()));
    const auto end = begin + static_cast<int64_t>(tensor.nbytes());
    json[name] = {{"dtype", type}, {"shape", tensor.sizes().vec()}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  try {
    return json.dump();
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("a tensor's name or the metadata: ", error.what()));
  }
}

}  // namespace

absl::StatusOr<int64_t> HeaderLength(std::string_view first_eight, int64_t file_bytes) {
  uint64_t length = 0;
  if (file_bytes < 8 || first_eight.size() != sizeof(length)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no safetensors file: ", file_bytes, " bytes, fewer than 8"));
  }
  std::memcpy(&length, first_eight.data(), sizeof(length));
  if (length > static_cast<uint64_t>(kMaxHeaderBytes)) {
    return absl::InvalidArgumentError(absl::StrCat("no safetensors file: header of ", length,
                                                   " bytes is above the format's ", kMaxHeaderBytes));
  }
  if (length > static_cast<uint64_t>(file_bytes - 8)) {
    return absl::InvalidArgumentError(
        absl::StrCat("header of ", length, " bytes does not fit the file of ", file_bytes, ": cut off?"));
  }
  return static_cast<int64_t>(length);
}

absl::StatusOr<SafetensorsHeader> ParseHeader(std::string_view json, int64_t data_bytes) {
  MAE_ASSIGN_OR_RETURN(HeaderJson parsed, ParseHeaderJson(json));
  SafetensorsHeader header;
  header.metadata = std::move(parsed.metadata);
  for (const auto& tensor : parsed.tensors) {
    MAE_ASSIGN_OR_RETURN(TensorEntry entry, EntryOf(tensor, data_bytes));
    header.entries.push_back(std::move(entry));
  }
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  MAE_RETURN_IF_ERROR(CheckContiguous(header.entries, data_bytes));
  return header;
}

absl::StatusOr<SafetensorsLayout> LayOut(NamedTensors tensors, std::map<std::string, std::string> metadata) {
  MAE_RETURN_IF_ERROR(CheckWritable(tensors));
  std::stable_sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) {
    return a.second.element_size() > b.second.element_size();
  });
  metadata.emplace("format", "pt");
  MAE_ASSIGN_OR_RETURN(std::string text, HeaderText(tensors, metadata));
  text.append((8 - text.size() % 8) % 8, ' ');

  const uint64_t length = text.size();
  std::string head(reinterpret_cast<const char*>(&length), sizeof(length));
  return SafetensorsLayout{head + text, std::move(tensors)};
}

}  // namespace mae
