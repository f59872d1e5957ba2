#include "server/resource_of.h"

#include <google/protobuf/descriptor.h>

#include <array>

namespace mae {
namespace {

using google::protobuf::FieldDescriptor;

constexpr size_t kLongestResource = 256;
constexpr std::array kResourceFields = {"name", "model_name", "dataset", "model"};
constexpr std::array kNamingParts = {"options", "version"};

std::string NamedIn(const google::protobuf::Message& message) {
  for (const char* name : kResourceFields) {
    const FieldDescriptor* const field = message.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING)
      continue;
    std::string value = message.GetReflection()->GetString(message, field);
    if (!value.empty()) return value.substr(0, kLongestResource);
  }
  return "";
}

}  // namespace

std::string ResourceOf(const google::protobuf::Message& message) {
  std::string named = NamedIn(message);
  for (const char* part : kNamingParts) {
    const FieldDescriptor* const field = message.GetDescriptor()->FindFieldByName(part);
    if (!named.empty()) break;
    if (field == nullptr || field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
      continue;
    named = NamedIn(message.GetReflection()->GetMessage(message, field));
  }
  return named;
}

}  // namespace mae
