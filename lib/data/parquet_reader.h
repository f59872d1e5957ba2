#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "data/encoded_images.h"
#include "data/split_files.h"

/// Reading Parquet with Apache Arrow, apart from the programs: libmae_parquet.so, which data/parquet_images.h
/// loads when a dataset needs it. Arrow is 60 MB to map at every start and keeps ten kilobytes of every
/// thread's stack, which the metrics server's small threads do not have to spare.
namespace mae {

/// What is to be read.
struct ParquetRequest {
  SplitFiles files;                               ///< at least one a split
  int64_t train_limit = 0, validation_limit = 0;  ///< images; 0: all
};

}  // namespace mae

/// Errors as ScanParquetImages. Pure function of the
/// disk. The module and the programs are of one build.
extern "C" void MaeReadParquetImages(const mae::ParquetRequest& request,
                                     absl::StatusOr<mae::EncodedDataset>& result);
