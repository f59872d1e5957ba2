#include "checkpoint/safetensors_json.h"

#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

// Three levels: names, the fields of a tensor (or the pairs of __metadata__), the numbers of a field.
class HeaderEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderJson header;
  std::string fault;

  bool null() override { return Unexpected("null"); }
  bool boolean(bool) override { return Unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return Unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return Unexpected("a number that is not whole");
  }
  bool binary(binary_t&) override { return Unexpected("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (!in_array_) return Unexpected("a number");
    if (numbers_.size() == kMaxNumbers) return Fail(absl::StrCat(field_, " has more than 64 numbers"));
    numbers_.push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (level_ != 2 || in_array_) return Unexpected("a string");
    if (in_metadata_) {
      header.metadata[field_] = value;
      return true;
    }
    if (field_ != "dtype") return Unexpected("a string");
    tensor_.dtype = value;
    return true;
  }

  bool start_object(size_t) override {
    if (level_ == 2 || in_array_) return Unexpected("an object");
    if (++level_ == 1) return true;
    tensor_ = {name_, "", {}, 0, 0};
    in_metadata_ = name_ == "__metadata__";
    fields_.clear();
    return true;
  }

  bool key(string_t& value) override {
    if (level_ == 1) {
      name_ = value;
      return names_.insert(value).second || Fail("the name is given twice");
    }
    field_ = value;
    if (!fields_.insert(value).second) return Fail(absl::StrCat("key ", value, " is given twice"));
    const bool known = value == "dtype" || value == "shape" || value == "data_offsets";
    return in_metadata_ || known || Fail(absl::StrCat("unknown key ", value));
  }

  bool end_object() override {
    if (level_-- == 1) return true;
    if (in_metadata_) return true;
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      if (fields_.count(field) == 0) return Fail(absl::StrCat("key ", field, " is missing"));
    }
    header.tensors.push_back(std::move(tensor_));
    return true;
  }

  bool start_array(size_t) override {
    const bool fits = level_ == 2 && !in_array_ && !in_metadata_ && field_ != "dtype";
    if (!fits) return Unexpected("a list");
    in_array_ = true;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    in_array_ = false;
    if (field_ == "shape") {
      tensor_.shape = numbers_;
      return true;
    }
    if (numbers_.size() != 2) return Fail("data_offsets is not two numbers");
    tensor_.begin = numbers_[0];
    tensor_.end = numbers_[1];
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    fault = absl::StrCat("header is no JSON at byte ", position, ": ", error.what());
    return false;
  }

 private:
  static constexpr size_t kMaxNumbers = 64;  // LibTorch's limit of dimensions

  bool Fail(const std::string& reason) {
    fault = name_.empty() ? absl::StrCat("header: ", reason) : absl::StrCat("tensor ", name_, ": ", reason);
    return false;
  }
  bool Unexpected(const char* what) {
    return Fail(level_ < 2 ? absl::StrCat(what, " where an object must be")
                           : absl::StrCat(what, " is no value of ", field_));
  }

  int level_ = 0;
  bool in_array_ = false, in_metadata_ = false;
  std::string name_, field_;
  std::set<std::string> names_, fields_;
  std::vector<uint64_t> numbers_;
  TensorJson tensor_;
};

}  // namespace

absl::StatusOr<HeaderJson> ParseHeaderJson(std::string_view json) {
  if (json.empty() || json.front() != '{') return absl::InvalidArgumentError("header does not begin with {");
  HeaderEvents events;
  if (nlohmann::json::sax_parse(json, &events)) return std::move(events.header);
  return absl::InvalidArgumentError(events.fault);
}

}  // namespace mae
