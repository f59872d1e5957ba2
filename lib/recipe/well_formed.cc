#include "recipe/well_formed.h"

#include <google/protobuf/descriptor.h>

#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "recipe/yaml_scalar.h"

namespace mae {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void CheckDouble(double value, const std::string& field, ViolationList& violations) {
  if (!std::isfinite(value)) violations.Add(field, absl::StrCat("is ", value, "; must be a finite number"));
}

void CheckEnum(int value, const FieldDescriptor* field, const std::string& path, ViolationList& violations) {
  if (field->enum_type()->FindValueByNumber(value) == nullptr)
    violations.Add(path, absl::StrCat("is ", value, "; must be one of ",
                                      absl::StrJoin(EnumNames(field->enum_type()), ", ")));
}

void CheckField(const Message& message, const FieldDescriptor* field, const std::string& path,
                ViolationList& violations) {
  const auto* get = message.GetReflection();
  const auto type = field->cpp_type();
  if (type == FieldDescriptor::CPPTYPE_MESSAGE) {
    CheckWellFormed(get->GetMessage(message, field), path + ".", violations);
  } else if (type == FieldDescriptor::CPPTYPE_ENUM) {
    CheckEnum(get->GetEnumValue(message, field), field, path, violations);
  } else if (type == FieldDescriptor::CPPTYPE_DOUBLE && !field->is_repeated()) {
    CheckDouble(get->GetDouble(message, field), path, violations);
  } else if (type == FieldDescriptor::CPPTYPE_DOUBLE) {
    for (int i = 0; i < get->FieldSize(message, field); ++i)
      CheckDouble(get->GetRepeatedDouble(message, field, i), path, violations);
  }
}

}  // namespace

void CheckWellFormed(const Message& message, const std::string& path, ViolationList& violations) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const auto* field : fields) CheckField(message, field, path + field->name(), violations);
}

}  // namespace mae
