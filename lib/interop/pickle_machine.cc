#include "interop/pickle_machine.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace mae {

using Kind = PickleValue::Kind;

namespace {

constexpr size_t kMaxValues = 1'000'000;
constexpr int64_t kMaxOperations = 4'000'000;
constexpr size_t kMaxMarks = 64;
constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxSizes = 64;  // dimensions that PyTorch has
constexpr int kNewestProtocol = 5;

// What may stand in a pickle by name.
bool IsKnownGlobal(std::string_view name) {
  constexpr std::string_view kKnown[] = {"collections.OrderedDict",
                                         "torch._utils._rebuild_tensor_v2",
                                         "torch._utils._rebuild_parameter",
                                         "torch.Size",
                                         "argparse.Namespace",
                                         "torch.DoubleStorage",
                                         "torch.FloatStorage",
                                         "torch.HalfStorage",
                                         "torch.BFloat16Storage",
                                         "torch.LongStorage",
                                         "torch.IntStorage",
                                         "torch.ShortStorage",
                                         "torch.CharStorage",
                                         "torch.ByteStorage",
                                         "torch.BoolStorage"};
  for (const auto known : kKnown) {
    if (name == known) return true;
  }
  return false;
}

bool IsStorageType(const PickleValue& value) {
  return value.kind == Kind::kGlobal && value.text.ends_with("Storage");
}

// What sizes and strides are. Each tensor of a program looks at its own again, which may be one tuple that
// all recall from the memo: bounded, so that a small file can't ask for hours.
bool AreSizes(const PickleValue& tuple) {
  if (tuple.kind != Kind::kTuple || tuple.items.size() > kMaxSizes) return false;
  for (const auto* item : tuple.items) {
    if (item->kind != Kind::kInteger) return false;
  }
  return true;
}

bool IsRecordKey(std::string_view key) {
  if (key.empty() || key.size() > 64) return false;
  for (const char c : key) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return true;
}

}  // namespace

absl::Status PickleMachine::Run() {
  for (int64_t done = 0; done < kMaxOperations; ++done) {
    operation_ = position_;
    MAE_ASSIGN_OR_RETURN(const auto code, Fixed<uint8_t>());
    if (code == '.') return Stop();
    const Operation run = Operations()[code];
    if (run == nullptr) {
      return Fault(
          absl::StrCat("operation 0x", absl::Hex(code, absl::kZeroPad2), " is none that weights need"));
    }
    MAE_RETURN_IF_ERROR(run(*this));
  }
  return Fault(absl::StrCat("more than ", kMaxOperations, " operations"));
}

absl::Status PickleMachine::Fault(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat("pickle, byte ", operation_, ": ", what));
}

absl::StatusOr<std::string_view> PickleMachine::Take(uint64_t count) {
  if (count > bytes_.size() - position_) {
    return Fault(absl::StrCat("needs ", count, " bytes where ", bytes_.size() - position_, " are left"));
  }
  const auto taken = bytes_.substr(position_, count);
  position_ += count;
  return taken;
}

absl::StatusOr<std::string_view> PickleMachine::Line() {
  const auto end = bytes_.substr(position_, kMaxNameBytes + 1).find('\n');
  if (end == std::string_view::npos) return Fault("a name does not end");
  MAE_ASSIGN_OR_RETURN(const auto line, Take(end + 1));
  return line.substr(0, end);
}

absl::StatusOr<PickleValue*> PickleMachine::Make(Kind kind) {
  if (pickle_.values_.size() == kMaxValues) return Fault(absl::StrCat("more than ", kMaxValues, " values"));
  pickle_.values_.emplace_back().kind = kind;
  return &pickle_.values_.back();
}

absl::Status PickleMachine::Push(Kind kind, int64_t integer, double number) {
  MAE_ASSIGN_OR_RETURN(PickleValue* const value, Make(kind));
  value->integer = integer;
  value->number = number;
  stack_.push_back(value);
  return absl::OkStatus();
}

// 8-byte big-endian.
absl::Status PickleMachine::PushDouble() {
  MAE_ASSIGN_OR_RETURN(const auto big, Fixed<uint64_t>());
  const uint64_t bits = __builtin_bswap64(big);
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return Push(Kind::kNumber, 0, value);
}

absl::Status PickleMachine::PushLong() {
  MAE_ASSIGN_OR_RETURN(const auto length, Fixed<uint8_t>());
  if (length > 8) return Fault("a number of more than 64 bits");
  MAE_ASSIGN_OR_RETURN(const auto raw, Take(length));
  const bool negative = length > 0 && (static_cast<uint8_t>(raw.back()) & 0x80) != 0;
  uint64_t value = negative ? ~uint64_t{0} : 0;
  std::memcpy(&value, raw.data(), raw.size());
  return Push(Kind::kInteger, static_cast<int64_t>(value));
}

absl::StatusOr<PickleValue*> PickleMachine::Pop() {
  if (stack_.size() <= Floor()) return Fault("takes from an empty stack");
  PickleValue* const value = stack_.back();
  stack_.pop_back();
  return value;
}

absl::StatusOr<PickleValue*> PickleMachine::Top() {
  if (stack_.size() <= Floor()) return Fault("looks at an empty stack");
  return stack_.back();
}

absl::Status PickleMachine::Mark() {
  if (marks_.size() == kMaxMarks) return Fault(absl::StrCat("nested deeper than ", kMaxMarks));
  marks_.push_back(stack_.size());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PickleValue*>> PickleMachine::PopToMark() {
  if (marks_.empty()) return Fault("closes what was not opened");
  std::vector<PickleValue*> items(stack_.begin() + static_cast<ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return items;
}

absl::Status PickleMachine::PushContainer(Kind kind, const std::vector<PickleValue*>& items) {
  if (kind == Kind::kDict && items.size() % 2 != 0) return Fault("a key without its value");
  MAE_RETURN_IF_ERROR(Push(kind));
  stack_.back()->items.assign(items.begin(), items.end());
  return absl::OkStatus();
}

absl::Status PickleMachine::PushMarked(Kind kind) {
  MAE_ASSIGN_OR_RETURN(const auto items, PopToMark());
  return PushContainer(kind, items);
}

absl::Status PickleMachine::PushTupleOf(size_t count) {
  std::vector<PickleValue*> items(count);
  for (size_t i = count; i > 0; --i) {
    MAE_ASSIGN_OR_RETURN(items[i - 1], Pop());
  }
  return PushContainer(Kind::kTuple, items);
}

absl::Status PickleMachine::AddTo(Kind kind, const std::vector<PickleValue*>& items) {
  MAE_ASSIGN_OR_RETURN(PickleValue* const parent, Top());
  if (parent->kind != kind) return Fault("adds to what is no container of this kind");
  if (kind == Kind::kDict && items.size() % 2 != 0) return Fault("a key without its value");
  parent->items.insert(parent->items.end(), items.begin(), items.end());
  return absl::OkStatus();
}

absl::Status PickleMachine::AddMarked(Kind kind) {
  MAE_ASSIGN_OR_RETURN(const auto items, PopToMark());
  return AddTo(kind, items);
}

absl::Status PickleMachine::AddPopped(Kind kind) {
  std::vector<PickleValue*> items(kind == Kind::kDict ? 2 : 1);
  for (size_t i = items.size(); i > 0; --i) {
    MAE_ASSIGN_OR_RETURN(items[i - 1], Pop());
  }
  return AddTo(kind, items);
}

absl::Status PickleMachine::Remember(uint64_t place) {
  MAE_ASSIGN_OR_RETURN(PickleValue* const value, Top());
  memo_[place] = value;
  if (memo_.size() <= kMaxValues) return absl::OkStatus();
  return Fault(absl::StrCat("more than ", kMaxValues, " memo places"));
}

absl::Status PickleMachine::PushGlobal(std::string_view module, std::string_view name) {
  const std::string full = std::string(module) + "." + std::string(name);
  if (!IsKnownGlobal(full)) {
    return Fault(absl::StrCat("refused: the file asks for ", absl::CEscape(full),
                              ", which weights do not need; save the state dict alone, with "
                              "torch.save(model.state_dict(), PATH) or as safetensors"));
  }
  MAE_RETURN_IF_ERROR(Push(Kind::kGlobal));
  stack_.back()->text = full;
  return absl::OkStatus();
}

absl::Status PickleMachine::GlobalOfLines() {
  MAE_ASSIGN_OR_RETURN(const auto module, Line());
  MAE_ASSIGN_OR_RETURN(const auto name, Line());
  return PushGlobal(module, name);
}

absl::Status PickleMachine::GlobalOfStack() {
  MAE_ASSIGN_OR_RETURN(const auto* const name, Pop());
  MAE_ASSIGN_OR_RETURN(const auto* const module, Pop());
  if (name->kind != Kind::kText || module->kind != Kind::kText) return Fault("a global without a name");
  if (name->text.size() + module->text.size() > kMaxNameBytes) return Fault("a name does not end");
  return PushGlobal(module->text, name->text);
}

// f(*arguments) and cls.__new__(*arguments) come to the same here.
absl::Status PickleMachine::Construct() {
  MAE_ASSIGN_OR_RETURN(PickleValue* const arguments, Pop());
  MAE_ASSIGN_OR_RETURN(PickleValue* const made, Pop());
  if (made->kind != Kind::kGlobal || arguments->kind != Kind::kTuple) return Fault("calls what is no global");
  if (made->text == "argparse.Namespace") return Push(Kind::kOpaque);
  if (made->text == "collections.OrderedDict" && arguments->items.empty()) return Push(Kind::kDict);
  if (made->text == "torch._utils._rebuild_tensor_v2") return PushTensor(*arguments);
  if (made->text == "torch.Size" && arguments->items.size() == 1 && AreSizes(*arguments->items[0])) {
    return PushKnown(arguments->items[0]);
  }
  const bool parameter = made->text == "torch._utils._rebuild_parameter";
  if (parameter && !arguments->items.empty() && arguments->items[0]->kind == Kind::kTensor) {
    return PushKnown(arguments->items[0]);
  }
  return Fault(absl::StrCat("calls ", made->text, " with other arguments than torch.save writes"));
}

// The deque owns every value, so the constness is this class's own to take off.
absl::Status PickleMachine::PushKnown(const PickleValue* value) {
  stack_.push_back(const_cast<PickleValue*>(value));
  return absl::OkStatus();
}

absl::Status PickleMachine::PushTensor(const PickleValue& arguments) {
  const auto& given = arguments.items;
  const bool whole = given.size() >= 4 && given[0]->kind == Kind::kStorage &&
                     given[1]->kind == Kind::kInteger && AreSizes(*given[2]) && AreSizes(*given[3]);
  if (!whole) return Fault("a tensor without storage, offset, sizes and strides");
  MAE_RETURN_IF_ERROR(Push(Kind::kTensor));
  stack_.back()->items.assign(given.begin(), given.begin() + 4);
  return absl::OkStatus();
}

// ('storage', type, key, place, number of values)
absl::Status PickleMachine::PushStorage() {
  MAE_ASSIGN_OR_RETURN(const auto* const id, Pop());
  const auto& given = id->items;
  const bool whole = id->kind == Kind::kTuple && given.size() == 5 && given[0]->kind == Kind::kText &&
                     given[0]->text == "storage" && IsStorageType(*given[1]) &&
                     given[2]->kind == Kind::kText && given[4]->kind == Kind::kInteger;
  if (!whole) return Fault("a persistent id that is no storage");
  if (!IsRecordKey(given[2]->text)) {
    return Fault(absl::StrCat("storage key '", absl::CEscape(given[2]->text.substr(0, 64)),
                              "' is none that torch.save writes"));
  }
  if (given[4]->integer < 0) return Fault("a storage of fewer than no values");
  MAE_RETURN_IF_ERROR(Push(Kind::kStorage, given[4]->integer));
  stack_.back()->text = given[2]->text;
  stack_.back()->items = {given[1]};
  return absl::OkStatus();
}

// What __setstate__ would get: the _metadata of an OrderedDict, the content of a Namespace.
absl::Status PickleMachine::DropState() {
  MAE_RETURN_IF_ERROR(Pop().status());
  MAE_ASSIGN_OR_RETURN(const auto* const object, Top());
  if (object->kind == Kind::kDict || object->kind == Kind::kOpaque) return absl::OkStatus();
  return Fault("sets the state of what has none");
}

absl::Status PickleMachine::Protocol() {
  MAE_ASSIGN_OR_RETURN(const auto version, Fixed<uint8_t>());
  if (version <= kNewestProtocol) return absl::OkStatus();
  return Fault(absl::StrCat("protocol ", version, "; up to ", kNewestProtocol, " are read"));
}

absl::Status PickleMachine::Stop() {
  if (stack_.size() != 1 || !marks_.empty()) return Fault("ends with a stack that is not one value");
  pickle_.root_ = stack_.back();
  return absl::OkStatus();
}

}  // namespace mae
