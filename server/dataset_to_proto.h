#pragma once

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "image/codec.h"
#include "mae/v1/dataset.pb.h"
#include "server/dataset_store.h"

/// Datasets and their images as messages. Pure.
namespace mae {

/// A dataset that can't be read has name, path and problem alone.
v1::Dataset ToProto(const DatasetEntry& entry);

/// One image of a split as PNG with its label. FAILED_PRECONDITION if its channels are not 1 or 3.
absl::StatusOr<v1::DatasetImage> ToProto(const Picture& picture, int64_t index, int64_t label,
                                         const DatasetInfo& info);

}  // namespace mae
