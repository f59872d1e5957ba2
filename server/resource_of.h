#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace mae {

/// The resource that a request or an answer is about: its `name`, else the model, dataset or repository model
/// it names, also inside `options`, `version` and the like. Empty if it names none; at most 256 bytes. Pure.
std::string ResourceOf(const google::protobuf::Message& message);

}  // namespace mae
