#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "data/encoded_images.h"

/// Reading Parquet with Apache Arrow, apart from the programs: libmae_parquet.so, which data/parquet_images.h
/// loads when a dataset needs it. Arrow is 60 MB to map at every start and keeps ten kilobytes of every
/// thread's stack, which the metrics server's small threads do not have to spare.
namespace mae {

/// At least one file a split, in order.
struct ParquetFiles {
  std::vector<std::filesystem::path> train, validation;
};

}  // namespace mae

/// Reads the first `limit` images of each split; 0: all. Errors as ScanParquetImages. Pure function of the
/// disk. The module and the programs are of one build.
extern "C" void MaeReadParquetImages(const mae::ParquetFiles& files, int64_t limit,
                                     absl::StatusOr<mae::EncodedDataset>& result);
