#pragma once

#include "mae/v1/model.pb.h"
#include "serving/model_store.h"

/// Published models as messages. Pure.
namespace mae {

/// @param store tells whether it is in memory, and pinned.
v1::ModelVersion ToProto(const ModelVersion& version, const ModelStore& store);
v1::Model ToProto(const ModelRecord& record, const ModelStore& store);

}  // namespace mae
