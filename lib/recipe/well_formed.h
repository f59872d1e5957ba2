#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "recipe/field_violation.h"

namespace mae {

/// By reflection, so that no field is forgotten: every double of `message` and below is finite, every enum
/// one of its named values. Pure; safe from any thread.
/// @param path of the message in JobSpec, with a dot at its end unless it is empty.
void CheckWellFormed(const google::protobuf::Message& message, const std::string& path,
                     ViolationList& violations);

}  // namespace mae
