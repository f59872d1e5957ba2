#include "recipe/from_model.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mae {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const google::protobuf::OneofDescriptor* KindOneof() {
  return v1::JobSpec::descriptor()->FindOneofByName("kind");
}

// The field of the kind that is set; nullptr: none is.
const FieldDescriptor* KindField(const v1::JobSpec& spec) {
  return spec.GetReflection()->GetOneofFieldDescriptor(spec, KindOneof());
}

// from_model of that kind; nullptr where it has none.
const FieldDescriptor* SourceField(const FieldDescriptor* kind) {
  return kind == nullptr ? nullptr : kind->message_type()->FindFieldByName("from_model");
}

}  // namespace

std::string FromModelOf(const v1::JobSpec& spec) {
  const auto* kind = KindField(spec);
  const auto* source = SourceField(kind);
  if (source == nullptr) return "";
  const Message& message = spec.GetReflection()->GetMessage(spec, kind);
  return message.GetReflection()->GetString(message, source);
}

std::string FromModelField(const v1::JobSpec& spec) {
  const auto* source = SourceField(KindField(spec));
  return source == nullptr ? "" : absl::StrCat(KindNameOf(spec), ".", source->name());
}

void SetFromModel(const std::string& name, v1::JobSpec& spec) {
  const auto* kind = KindField(spec);
  const auto* source = SourceField(kind);
  if (source == nullptr) return;
  Message* message = spec.GetReflection()->MutableMessage(&spec, kind);
  message->GetReflection()->SetString(message, source, name);
}

std::string KindNameOf(const v1::JobSpec& spec) {
  const auto* kind = KindField(spec);
  return kind == nullptr ? "" : kind->name();
}

std::string AllKindNames() {
  std::vector<std::string> names;
  for (int i = 0; i < KindOneof()->field_count(); ++i) names.push_back(KindOneof()->field(i)->name());
  return absl::StrJoin(names, ", ");
}

bool TrainsModel(const v1::JobSpec& spec) { return !spec.has_knn_probe() && !spec.has_evaluate(); }

}  // namespace mae
