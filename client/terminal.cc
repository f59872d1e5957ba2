#include "client/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/string_view.h"

namespace mae {
namespace {

absl::string_view Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

winsize SizeOf(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return winsize{};
  return size;
}

}  // namespace

bool IsTerminal(int descriptor) { return isatty(descriptor) == 1; }

bool IsLiveTerminal(int descriptor) {
  const absl::string_view term = Variable("TERM");
  return IsTerminal(descriptor) && !term.empty() && term != "dumb";
}

ColorDepth ColorsOf(int descriptor) {
  if (!IsLiveTerminal(descriptor) || !Variable("NO_COLOR").empty()) return ColorDepth::kNone;
  const absl::string_view depth = Variable("COLORTERM");
  return depth == "truecolor" || depth == "24bit" ? ColorDepth::kTrue : ColorDepth::k256;
}

int TerminalColumns(int descriptor) {
  const int columns = SizeOf(descriptor).ws_col;
  return columns > 0 ? columns : 80;
}

int TerminalRows(int descriptor) {
  const int rows = SizeOf(descriptor).ws_row;
  return rows > 0 ? rows : 24;
}

}  // namespace mae
