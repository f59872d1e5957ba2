#include "tests/recipe/filled_spec.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <vector>

namespace mae {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

class Filler {
 public:
  Filler(std::string kind, int variant) : kind_(std::move(kind)), variant_(variant) {}

  void Fill(Message& message) {
    const auto* descriptor = message.GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const auto* field = descriptor->field(i);
      const bool other_kind = field->real_containing_oneof() != nullptr && field->name() != kind_;
      const bool unused = kind_ == "finetune" && field->full_name() == "mae.v1.ModelSpec.decoder";
      if (!other_kind && !unused) field->is_repeated() ? Add(message, field) : Set(message, field);
    }
  }

 private:
  void Set(Message& message, const FieldDescriptor* field) {
    const auto* set = message.GetReflection();
    ++next_;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(*set->MutableMessage(&message, field));
      case FieldDescriptor::CPPTYPE_INT32:
        return set->SetInt32(&message, field, next_);
      case FieldDescriptor::CPPTYPE_INT64:
        return set->SetInt64(&message, field, next_ + (1LL << 40));
      case FieldDescriptor::CPPTYPE_UINT64:
        return set->SetUInt64(&message, field, ~uint64_t{0} - next_);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return set->SetDouble(&message, field, next_ / 7.0);
      case FieldDescriptor::CPPTYPE_BOOL:
        return set->SetBool(&message, field, true);
      case FieldDescriptor::CPPTYPE_STRING:
        return set->SetString(&message, field, "s" + std::to_string(next_));
      case FieldDescriptor::CPPTYPE_ENUM:
        return set->SetEnum(&message, field, field->enum_type()->value(1 + variant_));
      default:
        GOOGLE_LOG(FATAL) << field->full_name() << ": teach FilledSpec this type";
    }
  }

  void Add(Message& message, const FieldDescriptor* field) {
    const auto* add = message.GetReflection();
    for (int i = 0; i < 3; ++i) {
      ++next_;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
        add->AddDouble(&message, field, next_ / 7.0);
      } else {
        add->AddString(&message, field, "s" + std::to_string(next_));
      }
    }
  }

  std::string kind_;
  int variant_;
  int next_ = 0;
};

}  // namespace

v1::JobSpec FilledSpec(const std::string& kind, int variant) {
  v1::JobSpec spec;
  Filler(kind, variant).Fill(spec);
  return spec;
}

std::vector<std::string> JobKinds() {
  std::vector<std::string> kinds;
  const auto* oneof = v1::JobSpec::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < oneof->field_count(); ++i) kinds.push_back(oneof->field(i)->name());
  return kinds;
}

}  // namespace mae
