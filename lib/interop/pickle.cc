#include "interop/pickle.h"

#include "interop/pickle_machine.h"

namespace mae {

using Kind = PickleValue::Kind;

void PickleMachine::AddScalars(std::array<Operation, 256>& of) {
  of['N'] = [](PickleMachine& m) { return m.Push(Kind::kNone); };
  of[0x88] = [](PickleMachine& m) { return m.Push(Kind::kBool, 1); };
  of[0x89] = [](PickleMachine& m) { return m.Push(Kind::kBool, 0); };
  of['J'] = [](PickleMachine& m) { return m.PushInteger<int32_t>(); };
  of['K'] = [](PickleMachine& m) { return m.PushInteger<uint8_t>(); };
  of['M'] = [](PickleMachine& m) { return m.PushInteger<uint16_t>(); };
  of[0x8a] = [](PickleMachine& m) { return m.PushLong(); };
  of['G'] = [](PickleMachine& m) { return m.PushDouble(); };
  of['X'] = [](PickleMachine& m) { return m.PushText<uint32_t>(Kind::kText); };
  of[0x8c] = [](PickleMachine& m) { return m.PushText<uint8_t>(Kind::kText); };
  of[0x8d] = [](PickleMachine& m) { return m.PushText<uint64_t>(Kind::kText); };
  of['U'] = [](PickleMachine& m) { return m.PushText<uint8_t>(Kind::kText); };
  of['T'] = [](PickleMachine& m) { return m.PushText<uint32_t>(Kind::kText); };
  of['C'] = [](PickleMachine& m) { return m.PushText<uint8_t>(Kind::kBytes); };
  of['B'] = [](PickleMachine& m) { return m.PushText<uint32_t>(Kind::kBytes); };
}

void PickleMachine::AddContainers(std::array<Operation, 256>& of) {
  of['('] = [](PickleMachine& m) { return m.Mark(); };
  of['}'] = [](PickleMachine& m) { return m.Push(Kind::kDict); };
  of[']'] = [](PickleMachine& m) { return m.Push(Kind::kList); };
  of[')'] = [](PickleMachine& m) { return m.Push(Kind::kTuple); };
  of['t'] = [](PickleMachine& m) { return m.PushMarked(Kind::kTuple); };
  of['l'] = [](PickleMachine& m) { return m.PushMarked(Kind::kList); };
  of['d'] = [](PickleMachine& m) { return m.PushMarked(Kind::kDict); };
  of[0x85] = [](PickleMachine& m) { return m.PushTupleOf(1); };
  of[0x86] = [](PickleMachine& m) { return m.PushTupleOf(2); };
  of[0x87] = [](PickleMachine& m) { return m.PushTupleOf(3); };
  of['a'] = [](PickleMachine& m) { return m.AddPopped(Kind::kList); };
  of['e'] = [](PickleMachine& m) { return m.AddMarked(Kind::kList); };
  of['s'] = [](PickleMachine& m) { return m.AddPopped(Kind::kDict); };
  of['u'] = [](PickleMachine& m) { return m.AddMarked(Kind::kDict); };
}

void PickleMachine::AddMemo(std::array<Operation, 256>& of) {
  of['q'] = [](PickleMachine& m) { return m.RememberAt<uint8_t>(); };
  of['r'] = [](PickleMachine& m) { return m.RememberAt<uint32_t>(); };
  of[0x94] = [](PickleMachine& m) { return m.Remember(m.memo_.size()); };
  of['h'] = [](PickleMachine& m) { return m.Recall<uint8_t>(); };
  of['j'] = [](PickleMachine& m) { return m.Recall<uint32_t>(); };
}

void PickleMachine::AddObjects(std::array<Operation, 256>& of) {
  of['c'] = [](PickleMachine& m) { return m.GlobalOfLines(); };
  of[0x93] = [](PickleMachine& m) { return m.GlobalOfStack(); };
  of['R'] = [](PickleMachine& m) { return m.Construct(); };
  of[0x81] = [](PickleMachine& m) { return m.Construct(); };
  of['b'] = [](PickleMachine& m) { return m.DropState(); };
  of['Q'] = [](PickleMachine& m) { return m.PushStorage(); };
  of[0x80] = [](PickleMachine& m) { return m.Protocol(); };
  of[0x95] = [](PickleMachine& m) { return m.Fixed<uint64_t>().status(); };  // FRAME: a hint for readers
}

const std::array<PickleMachine::Operation, 256>& PickleMachine::Operations() {
  static const std::array<Operation, 256> operations = [] {
    std::array<Operation, 256> of{};
    AddScalars(of);
    AddContainers(of);
    AddMemo(of);
    AddObjects(of);
    return of;
  }();
  return operations;
}

absl::StatusOr<Pickle> Pickle::Parse(std::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("pickle of ", bytes.size(), " bytes; at most ", kMaxBytes, " are read"));
  }
  Pickle pickle;
  MAE_RETURN_IF_ERROR(PickleMachine(bytes, pickle).Run());
  return pickle;
}

}  // namespace mae
