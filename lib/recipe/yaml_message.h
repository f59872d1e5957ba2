#pragma once

#include <google/protobuf/message.h>
#include <yaml-cpp/yaml.h>

#include <string>

#include "absl/status/status.h"

/// Mappings of a recipe: YAML to a JobSpec or a part of it, and back, by the message's own descriptor.
/// Pure functions: no state, safe from any thread. No exceptions of yaml-cpp leave SetMessage or SetField.
namespace mae {

/// How far into what a recipe says a message is being read.
struct RecipePlace {
  std::string path;       ///< dotted, from JobSpec down; empty at its top
  bool has_lines = true;  ///< the nodes come from a file, so errors say their line

  RecipePlace Inside(const std::string& key) const {
    return {path.empty() ? key : path + "." + key, has_lines};
  }
  /// INVALID_ARGUMENT "line 3: data.batch_size: …" for a node that stands here.
  absl::Status Refuse(const YAML::Node& node, const std::string& what) const;
};

/// What to tell whoever wrote a key that `descriptor` does not have: where that key does exist, the nearest
/// key that it has, or all of its keys.
std::string UnknownKeyText(const std::string& key, const google::protobuf::Descriptor* descriptor);

/// Refuses a field of a oneof in which another one is set: it would silently replace that.
absl::Status CheckOneof(const YAML::Node& node, const RecipePlace& place,
                        const google::protobuf::FieldDescriptor* field,
                        const google::protobuf::Message& message);

/// Merges a mapping into a message. Errors as ParseRecipe in recipe/recipe_yaml.h.
absl::Status SetMessage(const YAML::Node& node, const RecipePlace& place, google::protobuf::Message& message);

/// Sets one field: a mapping merges, a list replaces, a scalar replaces. A second field of a oneof is
/// refused.
/// @param place of the field itself.
absl::Status SetField(const YAML::Node& node, const RecipePlace& place,
                      const google::protobuf::FieldDescriptor* field, google::protobuf::Message& message);

/// Writes the set fields of a message as a mapping, in order of field number.
void EmitMessage(const google::protobuf::Message& message, YAML::Emitter& out);

}  // namespace mae
