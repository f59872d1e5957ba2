#pragma once

#include <google/protobuf/message.h>
#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

/// Scalars of a recipe: one YAML value to one protobuf field and back. Strict, as recipe/recipe_yaml.h
/// promises. Pure functions: no state, safe from any thread.
namespace mae {

/// A value as a message speaks of it: `1.5`, `the string "256"`, `a list`, `a mapping`, `nothing`.
std::string DescribeNode(const YAML::Node& node);

/// The names an enum's values have in a recipe: lower case, without prefix, the unspecified one left out.
std::vector<std::string> EnumNames(const google::protobuf::EnumDescriptor* descriptor);

/// Sets a singular field, or adds to a repeated one. INVALID_ARGUMENT says what was expected and what stands
/// there: a whole number within the field's range for an integer, a finite number for a double (1 and 1e-3
/// too), true or false for a bool, one of EnumNames for an enum; none of these may be quoted. A string takes
/// any scalar but null, in UTF-8.
/// @param field of `message`; not a message itself.
absl::Status SetScalar(const YAML::Node& node, const google::protobuf::FieldDescriptor* field,
                       google::protobuf::Message& message);

/// The text that SetScalar reads back to the same value. `index` counts in a repeated field, else it is
/// ignored.
std::string ScalarText(const google::protobuf::Message& message,
                       const google::protobuf::FieldDescriptor* field, int index);

}  // namespace mae
