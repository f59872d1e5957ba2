#include "checkpoint/safetensors.h"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file_writer.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "checkpoint/safetensors_header.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

using Sink = absl::FunctionRef<absl::Status(std::string_view)>;
using Source = absl::FunctionRef<absl::Status(char* to, int64_t bytes)>;

std::string_view BytesOf(const torch::Tensor& tensor) {
  return {static_cast<const char*>(tensor.data_ptr()), static_cast<size_t>(tensor.nbytes())};
}

absl::Status WriteTo(Sink sink, const NamedTensors& tensors, std::map<std::string, std::string> metadata) {
  MAE_ASSIGN_OR_RETURN(const SafetensorsLayout layout, LayOut(tensors, std::move(metadata)));
  MAE_RETURN_IF_ERROR(sink(layout.head));
  for (const auto& [name, tensor] : layout.tensors) {
    const auto status = CatchTorch(absl::StrCat("copying tensor ", name, " to the CPU"),
                                   [&tensor = tensor, &sink]() -> absl::Status {
                                     return sink(BytesOf(tensor.detach().to(torch::kCPU).contiguous()));
                                   });
    MAE_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

// Other bytes than 0 and 1 in a bool are undefined behaviour wherever it is read.
absl::Status CheckBool(const TensorEntry& entry, const torch::Tensor& tensor) {
  if (entry.type != torch::kBool) return absl::OkStatus();
  const auto bytes = BytesOf(tensor);
  if (std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0 || byte == 1; })) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("tensor ", entry.name, ": a BOOL is neither 0 nor 1"));
}

absl::StatusOr<torch::Tensor> ReadTensor(Source read, const TensorEntry& entry) {
  MAE_ASSIGN_OR_RETURN(torch::Tensor tensor, CatchTorch(absl::StrCat("tensor ", entry.name), [&] {
                         return torch::empty(entry.shape, torch::dtype(entry.type));
                       }));
  MAE_RETURN_IF_ERROR(read(static_cast<char*>(tensor.data_ptr()), entry.end - entry.begin));
  MAE_RETURN_IF_ERROR(CheckBool(entry, tensor));
  return tensor;
}

absl::StatusOr<Safetensors> ReadFrom(Source read, int64_t total_bytes) {
  std::string first_eight(static_cast<size_t>(std::min<int64_t>(8, total_bytes)), '\0');
  MAE_RETURN_IF_ERROR(read(first_eight.data(), static_cast<int64_t>(first_eight.size())));
  MAE_ASSIGN_OR_RETURN(const int64_t header_bytes, HeaderLength(first_eight, total_bytes));
  std::string json(static_cast<size_t>(header_bytes), '\0');
  MAE_RETURN_IF_ERROR(read(json.data(), header_bytes));
  MAE_ASSIGN_OR_RETURN(SafetensorsHeader header, ParseHeader(json, total_bytes - 8 - header_bytes));

  Safetensors result;
  result.metadata = std::move(header.metadata);
  for (const auto& entry : header.entries) {
    MAE_ASSIGN_OR_RETURN(torch::Tensor tensor, ReadTensor(read, entry));
    result.tensors.emplace_back(entry.name, std::move(tensor));
  }
  return result;
}

absl::Status Prefixed(const std::filesystem::path& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path.string(), ": ", status.message()));
}

absl::StatusOr<int64_t> RegularFileSize(const std::filesystem::path& path) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (kind == std::filesystem::file_type::not_found) {
    return absl::NotFoundError(absl::StrCat("no file ", path.string()));
  }
  if (!error && kind != std::filesystem::file_type::regular) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " is no regular file"));
  }
  const auto size = error ? 0 : std::filesystem::file_size(path, error);
  if (error) return SystemError("examine", path, error.value());
  return static_cast<int64_t>(size);
}

}  // namespace

absl::StatusOr<std::string> SerializeSafetensors(const NamedTensors& tensors,
                                                 std::map<std::string, std::string> metadata) {
  std::string out;
  const auto append = [&out](std::string_view bytes) {
    out.append(bytes);
    return absl::OkStatus();
  };
  MAE_RETURN_IF_ERROR(WriteTo(append, tensors, std::move(metadata)));
  return out;
}

absl::StatusOr<Safetensors> ParseSafetensors(std::string_view bytes) {
  const auto total = static_cast<int64_t>(bytes.size());
  const auto take = [&bytes](char* to, int64_t count) {
    // An empty tensor has no memory, which memcpy may not be given.
    if (count > 0) std::memcpy(to, bytes.data(), static_cast<size_t>(count));
    bytes.remove_prefix(static_cast<size_t>(count));
    return absl::OkStatus();
  };
  return ReadFrom(take, total);
}

absl::StatusOr<std::string> WriteSafetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                                             std::map<std::string, std::string> metadata) {
  MAE_ASSIGN_OR_RETURN(DurableFileWriter writer, DurableFileWriter::Create(path));
  const auto append = [&writer](std::string_view bytes) { return writer.Append(bytes); };
  MAE_RETURN_IF_ERROR(WriteTo(append, tensors, std::move(metadata)));
  MAE_ASSIGN_OR_RETURN(const FileDigest digest, writer.Commit());
  return digest.sha256;
}

absl::StatusOr<Safetensors> ReadSafetensors(const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(const int64_t size, RegularFileSize(path));
  std::ifstream file(path, std::ios::binary);
  if (!file) return SystemError("open", path, errno);
  const auto read = [&file](char* to, int64_t count) {
    return file.read(to, count) ? absl::OkStatus()
                                : absl::DataLossError("the file ended early while it was read");
  };
  auto result = ReadFrom(read, size);
  return result.ok() ? std::move(result) : Prefixed(path, result.status());
}

}  // namespace mae
