#include "recipe/yaml_scalar.h"

#include <google/protobuf/descriptor.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/nearest_word.h"
#include "base/status_macros.h"
#include "base/utf8.h"

namespace mae {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// yaml-cpp tags what is neither quoted nor tagged by hand with "?".
bool IsPlain(const YAML::Node& node) { return node.IsScalar() && node.Tag() == "?"; }

absl::Status Expected(const std::string& what, const YAML::Node& node) {
  return absl::InvalidArgumentError(absl::StrCat("expects ", what, ", not ", DescribeNode(node)));
}

template <typename Int>
absl::StatusOr<Int> Integer(const YAML::Node& node) {
  Int value = 0;
  if (IsPlain(node) && absl::SimpleAtoi(node.Scalar(), &value)) return value;
  using Limits = std::numeric_limits<Int>;
  return Expected(absl::StrCat("a whole number from ", Limits::min(), " to ", Limits::max()), node);
}

absl::StatusOr<double> Number(const YAML::Node& node) {
  double value = 0;
  if (IsPlain(node) && absl::SimpleAtod(node.Scalar(), &value) && std::isfinite(value)) return value;
  return Expected("a finite number", node);
}

absl::StatusOr<bool> Truth(const YAML::Node& node) {
  if (IsPlain(node) && node.Scalar() == "true") return true;
  if (IsPlain(node) && node.Scalar() == "false") return false;
  return Expected("true or false", node);
}

absl::StatusOr<std::string> Text(const YAML::Node& node) {
  if (!node.IsScalar()) return Expected("a string", node);
  if (IsUtf8(node.Scalar())) return node.Scalar();
  return absl::InvalidArgumentError("expects text in UTF-8");
}

// The name in a recipe: POSITION_EMBEDDING_SINCOS is sincos. Value 0 of each enum spells the prefix.
std::string EnumName(const EnumValueDescriptor* value) {
  const auto prefix = absl::StripSuffix(value->type()->value(0)->name(), "UNSPECIFIED");
  return absl::AsciiStrToLower(absl::StripPrefix(value->name(), prefix));
}

absl::StatusOr<const EnumValueDescriptor*> EnumValue(const YAML::Node& node, const EnumDescriptor* type) {
  const auto names = EnumNames(type);
  for (int i = 1; IsPlain(node) && i < type->value_count(); ++i) {
    if (EnumName(type->value(i)) == node.Scalar()) return type->value(i);
  }
  const auto remedy = node.IsScalar() ? DidYouMean(node.Scalar(), names) : "";
  return absl::InvalidArgumentError(
      absl::StrCat("expects one of ", absl::StrJoin(names, ", "), ", not ", DescribeNode(node), remedy));
}

// Shortest digits that read back to the same double.
std::string ShortestText(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return std::string(text, end);
}

absl::Status SetDouble(const YAML::Node& node, const FieldDescriptor* field, Message& message) {
  MAE_ASSIGN_OR_RETURN(const double value, Number(node));
  const auto* set = message.GetReflection();
  field->is_repeated() ? set->AddDouble(&message, field, value) : set->SetDouble(&message, field, value);
  return absl::OkStatus();
}

absl::Status SetString(const YAML::Node& node, const FieldDescriptor* field, Message& message) {
  MAE_ASSIGN_OR_RETURN(const std::string value, Text(node));
  const auto* set = message.GetReflection();
  field->is_repeated() ? set->AddString(&message, field, value) : set->SetString(&message, field, value);
  return absl::OkStatus();
}

// Assigns a parsed value to a singular field through one of Reflection's setters.
template <typename Value, typename Setter>
absl::Status Assign(absl::StatusOr<Value> value, Setter setter, const FieldDescriptor* field,
                    Message& message) {
  if (!value.ok()) return value.status();
  (message.GetReflection()->*setter)(&message, field, *value);
  return absl::OkStatus();
}

}  // namespace

std::string DescribeNode(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (!node.IsScalar()) return "nothing";
  return IsPlain(node) ? node.Scalar() : absl::StrCat("the string \"", node.Scalar(), "\"");
}

std::vector<std::string> EnumNames(const EnumDescriptor* descriptor) {
  std::vector<std::string> names;
  for (int i = 1; i < descriptor->value_count(); ++i) names.push_back(EnumName(descriptor->value(i)));
  return names;
}

absl::Status SetScalar(const YAML::Node& node, const FieldDescriptor* field, Message& message) {
  using google::protobuf::Reflection;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return Assign(Integer<int32_t>(node), &Reflection::SetInt32, field, message);
    case FieldDescriptor::CPPTYPE_INT64:
      return Assign(Integer<int64_t>(node), &Reflection::SetInt64, field, message);
    case FieldDescriptor::CPPTYPE_UINT64:
      return Assign(Integer<uint64_t>(node), &Reflection::SetUInt64, field, message);
    case FieldDescriptor::CPPTYPE_BOOL:
      return Assign(Truth(node), &Reflection::SetBool, field, message);
    case FieldDescriptor::CPPTYPE_ENUM:
      return Assign(EnumValue(node, field->enum_type()), &Reflection::SetEnum, field, message);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return SetDouble(node, field, message);
    case FieldDescriptor::CPPTYPE_STRING:
      return SetString(node, field, message);
    default:
      return absl::UnimplementedError(
          absl::StrCat("recipes have no fields of type ", field->cpp_type_name()));
  }
}

std::string ScalarText(const Message& message, const FieldDescriptor* field, int index) {
  const auto* get = message.GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(get->GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(get->GetInt64(message, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(get->GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return get->GetBool(message, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumName(get->GetEnum(message, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return ShortestText(many ? get->GetRepeatedDouble(message, field, index)
                               : get->GetDouble(message, field));
    default:
      return many ? get->GetRepeatedString(message, field, index) : get->GetString(message, field);
  }
}

}  // namespace mae
