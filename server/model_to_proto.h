#pragma once

#include "mae/v1/model.pb.h"
#include "serving/model_store.h"

/// Published models as messages. Pure.
namespace mae {

v1::ModelVersion ToProto(const ModelVersion& version, bool loaded);

/// @param store tells which versions are loaded.
v1::Model ToProto(const ModelRecord& record, const ModelStore& store);

}  // namespace mae
