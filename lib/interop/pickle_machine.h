#pragma once

#include <array>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "interop/pickle.h"

namespace mae {

/// The stack machine that a pickle is a program for: values go on a stack, a memo keeps some of them by
/// number. Its operations are those of Python's pickletools that data needs; which byte is which is in
/// pickle.cc. Values live in the pickle's deque, which never moves them. Each operation gives
/// INVALID_ARGUMENT with the byte's place when the program is wrong; the machine is of no use after that.
class PickleMachine {
 public:
  PickleMachine(std::string_view bytes, Pickle& pickle) : bytes_(bytes), pickle_(pickle) {}

  /// From the first byte to STOP.
  absl::Status Run();

 private:
  static constexpr uint64_t kMaxTextBytes = 1 << 20;

  using Kind = PickleValue::Kind;
  using Operation = absl::Status (*)(PickleMachine&);

  static const std::array<Operation, 256>& Operations();
  static void AddScalars(std::array<Operation, 256>& of);
  static void AddContainers(std::array<Operation, 256>& of);
  static void AddMemo(std::array<Operation, 256>& of);
  static void AddObjects(std::array<Operation, 256>& of);
  /// "pickle, byte N: what", of the operation that runs.
  absl::Status Fault(absl::string_view what) const;

  // Bytes of the program.

  /// The next `count` bytes; a fault where fewer are left, so that no length is believed before it is
  /// checked.
  absl::StatusOr<std::string_view> Take(uint64_t count);

  template <typename T>  // little-endian, as the machine is
  absl::StatusOr<T> Fixed() {
    MAE_ASSIGN_OR_RETURN(const auto raw, Take(sizeof(T)));
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  /// Up to a newline, which falls off; names of globals.
  absl::StatusOr<std::string_view> Line();

  // Making values.

  /// A new value, counted.
  absl::StatusOr<PickleValue*> Make(Kind kind);
  absl::Status Push(Kind kind, int64_t integer = 0, double number = 0);

  template <typename T>
  absl::Status PushInteger() {
    MAE_ASSIGN_OR_RETURN(const T value, Fixed<T>());
    return Push(Kind::kInteger, value);
  }

  absl::Status PushDouble();
  absl::Status PushLong();

  template <typename Length>
  absl::Status PushText(Kind kind) {
    MAE_ASSIGN_OR_RETURN(const Length length, Fixed<Length>());
    if (length > kMaxTextBytes) {
      return Fault(absl::StrCat("a string of ", length, " bytes; at most ", kMaxTextBytes, " are read"));
    }
    MAE_ASSIGN_OR_RETURN(const auto text, Take(length));
    MAE_RETURN_IF_ERROR(Push(kind));
    stack_.back()->text = std::string(text);
    return absl::OkStatus();
  }

  // The stack. What lies below the newest mark is out of reach until the mark is closed.

  size_t Floor() const { return marks_.empty() ? 0 : marks_.back(); }

  absl::StatusOr<PickleValue*> Pop();
  absl::StatusOr<PickleValue*> Top();
  absl::Status Mark();
  absl::StatusOr<std::vector<PickleValue*>> PopToMark();
  absl::Status PushContainer(Kind kind, const std::vector<PickleValue*>& items);
  absl::Status PushMarked(Kind kind);
  absl::Status PushTupleOf(size_t count);
  absl::Status AddTo(Kind kind, const std::vector<PickleValue*>& items);
  absl::Status AddMarked(Kind kind);
  absl::Status AddPopped(Kind kind);

  // The memo.

  absl::Status Remember(uint64_t place);

  template <typename Place>
  absl::Status RememberAt() {
    MAE_ASSIGN_OR_RETURN(const Place place, Fixed<Place>());
    return Remember(place);
  }

  template <typename Place>
  absl::Status Recall() {
    MAE_ASSIGN_OR_RETURN(const Place place, Fixed<Place>());
    const auto found = memo_.find(place);
    if (found == memo_.end()) return Fault(absl::StrCat("memo place ", place, " is empty"));
    stack_.push_back(found->second);
    return absl::OkStatus();
  }

  // Globals, and what is made of them.

  /// The only gate for names: those that are not known end the program.
  absl::Status PushGlobal(std::string_view module, std::string_view name);
  absl::Status GlobalOfLines();
  absl::Status GlobalOfStack();
  /// REDUCE and NEWOBJ: what a known global makes of its arguments. Calls nothing.
  absl::Status Construct();
  absl::Status PushKnown(const PickleValue* value);
  absl::Status PushTensor(const PickleValue& arguments);
  /// BINPERSID: ("storage", type, key, place, values).
  absl::Status PushStorage();
  absl::Status DropState();
  absl::Status Protocol();
  absl::Status Stop();

  const std::string_view bytes_;
  Pickle& pickle_;
  size_t position_ = 0, operation_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;  ///< heights of the stack
  std::unordered_map<uint64_t, PickleValue*> memo_;
};

}  // namespace mae
