#include "client/table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/readable.h"

namespace mae {
namespace {

/// "1,234", "47 %", "1.2e-05": what is compared by its digits' places.
bool IsNumber(const std::string& cell) {
  return absl::ascii_isdigit(cell[cell[0] == '-' ? 1 : 0]) &&
         cell.find_first_not_of("0123456789.,+-e %") == std::string::npos;
}

bool IsNumericColumn(const std::vector<std::vector<std::string>>& rows, size_t column) {
  bool any = false;
  for (size_t r = 1; r < rows.size(); ++r) {
    const std::string& cell = rows[r][column];
    if (cell != "-" && !IsNumber(cell)) return false;
    any = any || cell != "-";
  }
  return any;
}

std::string Padded(const std::string& cell, int width, bool right) {
  const std::string spaces(std::max(0, width - DisplayWidth(cell)), ' ');
  return right ? spaces + cell : cell + spaces;
}

}  // namespace

void Table::Add(std::vector<std::string> row) {
  row.resize(rows_.front().size());
  for (std::string& cell : row) {
    if (cell.empty()) cell = "-";
  }
  rows_.push_back(std::move(row));
}

std::string Table::Text() const {
  const size_t columns = rows_.front().size();
  std::vector<int> widths(columns, 0);
  std::vector<bool> numeric(columns);
  for (size_t c = 0; c < columns; ++c) {
    for (const auto& row : rows_) widths[c] = std::max(widths[c], DisplayWidth(row[c]));
    numeric[c] = IsNumericColumn(rows_, c);
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t c = 0; c < columns; ++c)
      absl::StrAppend(&line, c > 0 ? "  " : "", Padded(row[c], widths[c], numeric[c]));
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

std::string FieldLines(const std::vector<std::pair<std::string, std::string>>& fields) {
  int width = 0;
  for (const auto& [key, value] : fields) {
    if (!value.empty()) width = std::max(width, DisplayWidth(key));
  }
  std::string text;
  for (const auto& [key, value] : fields) {
    if (!value.empty()) absl::StrAppend(&text, Padded(key, width, false), "  ", value, "\n");
  }
  return text;
}

}  // namespace mae
