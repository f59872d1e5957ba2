#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

/// What this process can compute on. Torch-free header: the server includes it. Thread-safe.
namespace mae {

/// One place to compute.
struct DeviceInfo {
  std::string name;          ///< cpu or cuda:N, as ResolveDevice takes it
  std::string description;   ///< the maker's name of it; for the CPU with its usable cores
  int64_t memory_bytes = 0;  ///< all of its memory; 0 where unknown
};

/// The CPU first, then each CUDA device that LibTorch can use (none in a build without CUDA). Makes no
/// context on any device.
std::vector<DeviceInfo> ListDevices();

/// The device that a setting means: auto is cuda:0 if there is one, else cpu; cuda is cuda:0.
/// @param requested auto, cpu, cuda or cuda:N.
/// @return cpu or cuda:N. INVALID_ARGUMENT if it is none of these; FAILED_PRECONDITION if there is no such
/// device
///   here, naming those that are.
absl::StatusOr<std::string> ResolveDevice(const std::string& requested);

/// Whether the device multiplies bf16 matrices in hardware: CUDA devices, and CPUs with AVX512-BF16.
/// Elsewhere bf16 is emulated, many times slower than fp32.
/// @param resolved cpu or cuda:N, of ResolveDevice.
bool HasFastBf16(const std::string& resolved);

/// Cores that the process may run on (sched_getaffinity, so taskset and container limits on CPUs count).
int64_t UsableCores();

/// Sets how many threads one CPU operation of LibTorch may use, for the whole process.
/// @param threads 0 (or below): UsableCores.
void SetComputeThreads(int64_t threads);

/// LibTorch's version, as "2.15.0".
std::string LibTorchVersion();

}  // namespace mae
