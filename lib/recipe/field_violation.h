#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What is wrong with a spec, field by field. Not thread-safe; one check fills one list.
namespace mae {

/// One field at fault: its path in JobSpec ("data.batch_size") and what is wrong: value, limit, remedy.
struct FieldViolation {
  std::string field;
  std::string description;
};

/// Collects violations in the order of the checks.
class ViolationList {
 public:
  void Add(std::string field, std::string description);

  /// A violation unless low <= value <= high.
  void Between(const std::string& field, int64_t value, int64_t low, int64_t high);
  /// A violation unless low <= value and value <= high, or value < high where `below_high`. A value that is
  /// not finite passes: CheckFinite has reported it.
  void Between(const std::string& field, double value, double low, double high, bool below_high = false);
  /// A violation unless value > 0; not finite passes as above.
  void Positive(const std::string& field, double value);
  /// A violation unless 0 < value <= 1; not finite passes as above.
  void Share(const std::string& field, double value);
  /// A violation unless value >= 0; not finite passes as above.
  void NotNegative(const std::string& field, double value);

  bool empty() const { return violations_.empty(); }
  std::vector<FieldViolation> Take() { return std::move(violations_); }

 private:
  std::vector<FieldViolation> violations_;
};

}  // namespace mae
