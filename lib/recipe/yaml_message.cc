#include "recipe/yaml_message.h"

#include <google/protobuf/descriptor.h>

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest_word.h"
#include "base/status_macros.h"
#include "mae/v1/job.pb.h"
#include "recipe/yaml_scalar.h"

namespace mae {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsMessage(const FieldDescriptor* field) { return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

std::vector<std::string> KeysOf(const Descriptor* descriptor) {
  std::vector<std::string> keys;
  for (int i = 0; i < descriptor->field_count(); ++i) keys.push_back(descriptor->field(i)->name());
  return keys;
}

// Adds the path of every field called `key` in or below `descriptor`.
void FindKey(const std::string& key, const Descriptor* descriptor, const std::string& prefix,
             std::vector<std::string>& paths) {
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    const auto path = prefix + field->name();
    if (field->name() == key) paths.push_back(path);
    if (IsMessage(field)) FindKey(key, field->message_type(), path + ".", paths);
  }
}

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

absl::Status SetList(const YAML::Node& node, const RecipePlace& place, const FieldDescriptor* field,
                     Message& message) {
  if (!node.IsSequence())
    return place.Refuse(node, absl::StrCat("expects a list such as [a, b], not ", DescribeNode(node)));
  message.GetReflection()->ClearField(&message, field);
  for (const auto& item : node) {
    const auto status = SetScalar(item, field, message);
    if (!status.ok()) return place.Refuse(item, std::string(status.message()));
  }
  return absl::OkStatus();
}

absl::Status SetEntry(const YAML::Node& key, const YAML::Node& value, const RecipePlace& place,
                      std::map<std::string, int>& lines, Message& message) {
  if (!key.IsScalar()) return place.Refuse(key, absl::StrCat("expects a key, not ", DescribeNode(key)));
  const auto& name = key.Scalar();
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) return place.Inside(name).Refuse(key, UnknownKeyText(name, message.GetDescriptor()));
  const auto [first, is_new] = lines.emplace(name, LineOf(key));
  if (!is_new) {
    return place.Inside(name).Refuse(key, absl::StrCat("given twice, first in line ", first->second));
  }
  return SetField(value, place.Inside(name), field, message);
}

// A number or a switch that can't be told from its default: written too, so that readers see what holds.
bool IsPlainDefault(const FieldDescriptor* field) {
  return !field->has_presence() && !field->is_repeated() &&
         field->cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
         field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM;
}

bool IsSet(const Message& message, const FieldDescriptor* field) {
  const auto* get = message.GetReflection();
  return field->is_repeated() ? get->FieldSize(message, field) > 0 : get->HasField(message, field);
}

void EmitField(const Message& message, const FieldDescriptor* field, YAML::Emitter& out) {
  const auto* get = message.GetReflection();
  out << YAML::Key << field->name() << YAML::Value;
  if (IsMessage(field)) return EmitMessage(get->GetMessage(message, field), out);
  if (!field->is_repeated()) {
    out << ScalarText(message, field, 0);
    return;
  }
  out << YAML::Flow << YAML::BeginSeq;
  for (int i = 0; i < get->FieldSize(message, field); ++i) out << ScalarText(message, field, i);
  out << YAML::EndSeq;
}

}  // namespace

absl::Status RecipePlace::Refuse(const YAML::Node& node, const std::string& what) const {
  const auto line = has_lines ? absl::StrCat("line ", LineOf(node), ": ") : "";
  return absl::InvalidArgumentError(absl::StrCat(line, path, path.empty() ? "" : ": ", what));
}

std::string UnknownKeyText(const std::string& key, const Descriptor* descriptor) {
  std::vector<std::string> elsewhere;
  FindKey(key, v1::JobSpec::descriptor(), "", elsewhere);
  // More than two places are as good as none to whoever reads the message.
  if (!elsewhere.empty() && elsewhere.size() <= 2)
    return absl::StrCat("unknown key here; it belongs at ", absl::StrJoin(elsewhere, " or "));
  const auto keys = KeysOf(descriptor);
  const auto meant = DidYouMean(key, keys);
  if (!meant.empty()) return absl::StrCat("unknown key", meant);
  return absl::StrCat("unknown key; known here: ", absl::StrJoin(keys, ", "));
}

absl::Status CheckOneof(const YAML::Node& node, const RecipePlace& place, const FieldDescriptor* field,
                        const Message& message) {
  const auto* oneof = field->real_containing_oneof();
  if (oneof == nullptr) return absl::OkStatus();
  const auto* present = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
  if (present == nullptr || present == field) return absl::OkStatus();
  return place.Refuse(node, absl::StrCat("the recipe is of ", oneof->name(), " ", present->name(),
                                         " already, and may have one ", oneof->name(), " only"));
}

absl::Status SetMessage(const YAML::Node& node, const RecipePlace& place, Message& message) {
  if (!node.IsMap()) return place.Refuse(node, absl::StrCat("expects a mapping, not ", DescribeNode(node)));
  std::map<std::string, int> lines;
  for (const auto& entry : node) {
    MAE_RETURN_IF_ERROR(SetEntry(entry.first, entry.second, place, lines, message));
  }
  return absl::OkStatus();
}

absl::Status SetField(const YAML::Node& node, const RecipePlace& place, const FieldDescriptor* field,
                      Message& message) {
  MAE_RETURN_IF_ERROR(CheckOneof(node, place, field, message));
  if (field->is_repeated()) return SetList(node, place, field, message);
  if (IsMessage(field))
    return SetMessage(node, place, *message.GetReflection()->MutableMessage(&message, field));
  const auto status = SetScalar(node, field, message);
  return status.ok() ? status : place.Refuse(node, std::string(status.message()));
}

void EmitMessage(const Message& message, YAML::Emitter& out) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const auto* field = message.GetDescriptor()->field(i);
    if (IsPlainDefault(field) || IsSet(message, field)) fields.push_back(field);
  }
  if (fields.empty()) out << YAML::Flow;
  out << YAML::BeginMap;
  for (const auto* field : fields) EmitField(message, field, out);
  out << YAML::EndMap;
}

}  // namespace mae
