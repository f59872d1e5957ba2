#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

/// The pickles that torch.save writes, read without running anything: a pickle is a program for a stack
/// machine, and this machine has no operation that could call out. Torch-free.
///
/// It builds None, booleans, whole numbers, floats, strings, bytes, tuples, lists, dicts, and the tensors and
/// storages of PyTorch as descriptions. The globals it knows are `collections.OrderedDict`,
/// `torch._utils._rebuild_tensor_v2`, `torch._utils._rebuild_parameter`, `torch.Size` and the storage types
/// (`torch.FloatStorage`, …); `argparse.Namespace`, which training files hold, becomes an opaque value. Every
/// other global is refused by its name.
namespace mae {

/// One value. Which members count is up to `kind`.
struct PickleValue {
  enum class Kind {
    kNone,
    kBool,     ///< integer: 0 or 1
    kInteger,  ///< integer
    kNumber,   ///< number
    kText,     ///< text, UTF-8 not checked
    kBytes,    ///< text
    kTuple,    ///< items
    kList,     ///< items
    kDict,     ///< items: key, value, key, value, … in order; a key may stand twice
    kGlobal,   ///< text: "torch.FloatStorage"
    kStorage,  ///< text: key of the record; integer: number of values, 0 or more; items: its type (a kGlobal)
    kTensor,   ///< items: storage (kStorage), offset (kInteger), sizes, strides (kTuple of kInteger)
    kOpaque,   ///< an object whose content does not matter
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<const PickleValue*> items;  ///< owned by the Pickle; may lead back to this value
};

/// A parsed pickle: owns its values. Movable; safe to read from any thread.
class Pickle {
 public:
  /// Limits: kMaxBytes of pickle, a million values, four million operations, strings of a megabyte,
  /// 64 open marks; so memory stays below about 300 MB whatever `bytes` says. Copies what it needs of
  /// `bytes`. INVALID_ARGUMENT with the byte's place: a global or operation that is not allowed (named),
  /// something cut off, a stack or memo place that is empty, a limit passed.
  static absl::StatusOr<Pickle> Parse(std::string_view bytes);
  static constexpr int64_t kMaxBytes = 16 << 20;

  const PickleValue& root() const { return *root_; }

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
};

}  // namespace mae
