#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "interop/pickle.h"
#include "interop/pth_file.h"
#include "interop/pth_storage.h"
#include "interop/zip_file.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

using PthKind = PickleValue::Kind;

constexpr size_t kMaxDimensions = 16;
constexpr const char* kStateDictKeys[] = {"model", "state_dict", "model_state_dict"};

absl::Status TensorFault(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("tensor ", absl::CEscape(name), ": ", what));
}

// What the file says wrongly is the caller's fault; damage and lack of memory stay what they are.
absl::Status OfTensor(absl::string_view name, const absl::Status& status) {
  const bool theirs = absl::IsOutOfRange(status) || absl::IsInternal(status);
  return absl::Status(theirs ? absl::StatusCode::kInvalidArgument : status.code(),
                      absl::StrCat("tensor ", absl::CEscape(name), ": ", status.message()));
}

bool HoldsTensors(const PickleValue& dict) {
  if (dict.kind != PthKind::kDict) return false;
  for (size_t i = 1; i < dict.items.size(); i += 2) {
    if (dict.items[i]->kind == PthKind::kTensor) return true;
  }
  return false;
}

const PickleValue* ValueOf(const PickleValue& dict, std::string_view key) {
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (dict.items[i]->kind == PthKind::kText && dict.items[i]->text == key) return dict.items[i + 1];
  }
  return nullptr;
}

absl::StatusOr<const PickleValue*> FindStateDict(const PickleValue& root) {
  if (root.kind == PthKind::kDict) {
    for (const char* key : kStateDictKeys) {
      const auto* value = ValueOf(root, key);
      if (value != nullptr && HoldsTensors(*value)) return value;
    }
    if (HoldsTensors(root)) return &root;
  }
  return absl::InvalidArgumentError(
      "the file holds no state dict: neither is it one, nor has it one under model, state_dict or "
      "model_state_dict; save one with torch.save(model.state_dict(), PATH)");
}

// Sizes, strides and offset of a tensor, checked against its storage.
struct StridedView {
  std::vector<int64_t> sizes, strides;
  int64_t offset = 0, elements = 1;
};

absl::Status CheckInside(const StridedView& view, int64_t storage_values) {
  int64_t last = view.offset;
  for (size_t d = 0; d < view.sizes.size(); ++d) {
    int64_t reach = 0;
    if (__builtin_mul_overflow(view.sizes[d] - 1, view.strides[d], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return absl::OutOfRangeError("sizes and strides overflow");
    }
  }
  if (last < storage_values) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("reaches value ", last, " of a storage of ", storage_values));
}

absl::StatusOr<StridedView> ViewOf(const PickleValue& tensor, int64_t storage_values) {
  StridedView view;
  for (const auto* size : tensor.items[2]->items) view.sizes.push_back(size->integer);
  for (const auto* stride : tensor.items[3]->items) view.strides.push_back(stride->integer);
  view.offset = tensor.items[1]->integer;
  if (view.sizes.size() != view.strides.size() || view.sizes.size() > kMaxDimensions) {
    return absl::OutOfRangeError(absl::StrCat("has ", view.sizes.size(), " sizes and ", view.strides.size(),
                                              " strides; as many, and at most ", kMaxDimensions,
                                              ", are read"));
  }
  const auto negative = [](int64_t value) { return value < 0; };
  if (view.offset < 0 || std::any_of(view.sizes.begin(), view.sizes.end(), negative) ||
      std::any_of(view.strides.begin(), view.strides.end(), negative)) {
    return absl::OutOfRangeError("a size, stride or offset is negative");
  }
  for (const int64_t size : view.sizes) {
    if (__builtin_mul_overflow(view.elements, size, &view.elements)) {
      return absl::OutOfRangeError("its sizes overflow");
    }
  }
  if (view.elements == 0) {
    view.strides.assign(view.sizes.size(), 0);
    view.offset = 0;
    return view;
  }
  MAE_RETURN_IF_ERROR(CheckInside(view, storage_values));
  return view;
}

class PthReader {
 public:
  explicit PthReader(ZipFile zip) : zip_(std::move(zip)) {}

  absl::StatusOr<NamedTensors> Read() {
    MAE_RETURN_IF_ERROR(FindPrefix());
    MAE_RETURN_IF_ERROR(CheckByteOrder());
    MAE_ASSIGN_OR_RETURN(const std::string text, ReadText("data.pkl", Pickle::kMaxBytes));
    MAE_ASSIGN_OR_RETURN(const Pickle pickle, Pickle::Parse(text));
    MAE_ASSIGN_OR_RETURN(const PickleValue* const dict, FindStateDict(pickle.root()));
    return ReadTensors(*dict);
  }

 private:
  // Every record lies in one folder, whose name is free.
  absl::Status FindPrefix() {
    for (const auto& [name, entry] : zip_.entries()) {
      if (!name.ends_with("/data.pkl") || name.find('/') != name.size() - 9) continue;
      if (!prefix_.empty()) return absl::InvalidArgumentError("the file holds two pickles named data.pkl");
      prefix_ = name.substr(0, name.size() - 8);
    }
    if (!prefix_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("the archive holds no data.pkl: torch.save did not write it");
  }

  absl::StatusOr<const ZipEntry*> Record(const std::string& name) const {
    const auto found = zip_.entries().find(prefix_ + name);
    if (found != zip_.entries().end()) return &found->second;
    return absl::InvalidArgumentError(absl::StrCat("the archive holds no record ", name));
  }

  absl::StatusOr<std::string> ReadText(const std::string& name, int64_t max_bytes) {
    MAE_ASSIGN_OR_RETURN(const ZipEntry* const entry, Record(name));
    if (entry->bytes > max_bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " has ", entry->bytes, " bytes; at most ", max_bytes, " are read"));
    }
    std::string text(static_cast<size_t>(entry->bytes), '\0');
    MAE_RETURN_IF_ERROR(zip_.Read(*entry, text.data()));
    return text;
  }

  absl::Status CheckByteOrder() {
    constexpr int64_t kLongestOrder = 16;
    if (!Record("byteorder").ok()) return absl::OkStatus();  // before PyTorch 2.1
    MAE_ASSIGN_OR_RETURN(const std::string order, ReadText("byteorder", kLongestOrder));
    if (order == "little") return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("byte order is ", absl::CEscape(order), ", not little"));
  }

  absl::StatusOr<NamedTensors> ReadTensors(const PickleValue& dict) {
    NamedTensors tensors;
    std::set<std::string_view> names;
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const auto& key = *dict.items[i];
      const auto& value = *dict.items[i + 1];
      if (key.kind != PthKind::kText || value.kind != PthKind::kTensor) continue;
      if (!names.insert(key.text).second) return TensorFault(key.text, "the name is given twice");
      auto tensor = ReadTensor(value);
      if (!tensor.ok()) return OfTensor(key.text, tensor.status());
      tensors.emplace_back(key.text, *std::move(tensor));
    }
    return tensors;
  }

  absl::StatusOr<torch::Tensor> ReadTensor(const PickleValue& value) {
    MAE_ASSIGN_OR_RETURN(const StridedView view, ViewOf(value, value.items[0]->integer));
    MAE_ASSIGN_OR_RETURN(const torch::Tensor storage, Storage(*value.items[0]));
    // Tensors may lie over each other; together they must not outgrow the file.
    int64_t bytes = 0;
    if (__builtin_mul_overflow(view.elements, static_cast<int64_t>(storage.element_size()), &bytes) ||
        __builtin_add_overflow(bytes, tensor_bytes_, &tensor_bytes_) || tensor_bytes_ > zip_.bytes()) {
      return absl::OutOfRangeError(
          absl::StrCat("with it, tensors hold more than the ", zip_.bytes(), " bytes of the file"));
    }
    return CatchTorch("laying it out",
                      [&] { return storage.as_strided(view.sizes, view.strides, view.offset).contiguous(); });
  }

  absl::StatusOr<torch::Tensor> Storage(const PickleValue& storage) {
    const std::string& type_name = storage.items[0]->text;
    const auto type = TypeOfStorage(std::string_view(type_name).substr(sizeof("torch.") - 1));
    if (!type) return absl::InvalidArgumentError(absl::StrCat("type ", type_name, " is not supported"));
    const auto known = storages_.find(storage.text);
    if (known != storages_.end()) {
      const bool same = known->second.scalar_type() == *type && known->second.numel() == storage.integer;
      if (same) return known->second;
      return absl::InvalidArgumentError(absl::StrCat("storage ", storage.text, " is described in two ways"));
    }
    MAE_ASSIGN_OR_RETURN(const ZipEntry* const entry, Record(absl::StrCat("data/", storage.text)));
    int64_t bytes = 0;
    if (__builtin_mul_overflow(storage.integer, static_cast<int64_t>(c10::elementSize(*type)), &bytes) ||
        bytes != entry->bytes) {
      return absl::InvalidArgumentError(absl::StrCat("storage ", storage.text, " of ", storage.integer,
                                                     " values in a record of ", entry->bytes, " bytes"));
    }
    MAE_ASSIGN_OR_RETURN(torch::Tensor tensor, CatchTorch("memory", [&] {
                           return torch::empty({storage.integer}, torch::dtype(*type));
                         }));
    MAE_RETURN_IF_ERROR(zip_.Read(*entry, static_cast<char*>(tensor.data_ptr())));
    return storages_.emplace(storage.text, std::move(tensor)).first->second;
  }

  ZipFile zip_;
  std::string prefix_;
  std::map<std::string, torch::Tensor> storages_;
  int64_t tensor_bytes_ = 0;
};

}  // namespace

absl::StatusOr<NamedTensors> ReadPth(const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(ZipFile zip, ZipFile::Open(path));
  auto tensors = PthReader(std::move(zip)).Read();
  if (tensors.ok()) return tensors;
  return absl::Status(tensors.status().code(),
                      absl::StrCat(path.filename().string(), ": ", tensors.status().message()));
}

}  // namespace mae
