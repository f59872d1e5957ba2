#include <caffe2/serialize/inline_container.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "interop/pth_file.h"
#include "interop/pth_storage.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

// Emits a pickle of protocol 2, the one that torch.save writes. The same globals are named each time anew:
// a memo would only make it shorter.
class PickleText {
 public:
  PickleText() { bytes_ = "\x80\x02"; }

  void Op(char code) { bytes_ += code; }
  void Global(absl::string_view module, absl::string_view name) {
    absl::StrAppend(&bytes_, "c", module, "\n", name, "\n");
  }
  void Text(absl::string_view text) {
    Op('X');
    Append(static_cast<uint32_t>(text.size()));
    absl::StrAppend(&bytes_, text);
  }
  // A number of 8 bytes, as LONG1.
  void Integer(int64_t value) {
    Op('\x8a');
    Op(8);
    Append(value);
  }
  void Integers(at::IntArrayRef values) {
    Op('(');
    for (const int64_t value : values) Integer(value);
    Op('t');
  }
  void EmptyOrderedDict() {
    Global("collections", "OrderedDict");
    Op(')');
    Op('R');
  }

  // A contiguous tensor that is the whole of storage `key`.
  void Tensor(const torch::Tensor& tensor, int64_t key, const std::string& storage_name) {
    Global("torch._utils", "_rebuild_tensor_v2");
    Op('(');
    Op('(');
    Text("storage");
    Global("torch", storage_name);
    Text(absl::StrCat(key));
    Text("cpu");
    Integer(tensor.numel());
    Op('t');
    Op('Q');
    Integer(0);
    Integers(tensor.sizes());
    Integers(torch::empty(tensor.sizes(), torch::kMeta).strides());
    Op('\x89');  // requires_grad
    EmptyOrderedDict();
    Op('t');
    Op('R');
  }

  const std::string& bytes() const { return bytes_; }

 private:
  template <typename T>
  void Append(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  std::string bytes_;
};

absl::StatusOr<std::string> StateDictPickle(const NamedTensors& tensors) {
  PickleText text;
  text.Op('}');
  text.Text("model");
  text.EmptyOrderedDict();
  text.Op('(');
  int64_t key = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto storage = StorageNameOf(tensor.scalar_type());
    if (storage.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor ", name, ": type ",
                                                     c10::toString(tensor.scalar_type()),
                                                     " has no storage type in .pth files"));
    }
    text.Text(name);
    text.Tensor(tensor, key++, storage);
  }
  text.Op('u');
  text.Op('s');
  text.Op('.');
  return text.bytes();
}

}  // namespace

absl::Status WritePth(const NamedTensors& tensors, const ByteSink& sink) {
  MAE_ASSIGN_OR_RETURN(const std::string pickle, StateDictPickle(tensors));
  absl::Status sunk;
  const auto written = CatchTorch("writing the archive", [&] {
    caffe2::serialize::PyTorchStreamWriter writer([&sunk, &sink](const void* bytes, size_t count) -> size_t {
      if (sunk.ok()) sunk = sink({static_cast<const char*>(bytes), count});
      return count;  // An error is given at the end; the library would abort over it in its destructor.
    });
    writer.writeRecord("data.pkl", pickle.data(), pickle.size());
    writer.writeRecord("byteorder", "little", std::strlen("little"));
    int64_t key = 0;
    for (const auto& item : tensors) {
      const auto tensor = item.second.detach().to(torch::kCPU).contiguous();
      writer.writeRecord(absl::StrCat("data/", key++), tensor.data_ptr(), tensor.nbytes());
      if (!sunk.ok()) break;
    }
    writer.writeEndOfFile();
  });
  return sunk.ok() ? written : sunk;
}

}  // namespace mae
