#pragma once

#include <string>
#include <vector>

namespace mae {

/// Rows under headings, columns as wide as their widest cell, two spaces between. A column whose cells are
/// all numbers (or "-") is aligned right. A value type.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}
  /// One cell a heading; an empty one shows as "-".
  void Add(std::vector<std::string> row);
  size_t rows() const { return rows_.size() - 1; }
  /// Every line ends with a newline; none ends with spaces. The headings alone where there are no rows.
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  ///< headings first
};

/// "key   value" lines for one thing; pairs with an empty value are left out.
std::string FieldLines(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace mae
