#pragma once

namespace mae {

enum class ColorDepth {
  kNone,  ///< NO_COLOR, TERM=dumb, or not a terminal
  k256,
  kTrue  ///< 24 bits; COLORTERM is truecolor or 24bit
};

/// What a file descriptor (1: stdout, 2: stderr) can show. Asked of the system and the environment each time.
bool IsTerminal(int descriptor);
/// A terminal that understands cursor movement: TERM is set and not dumb.
bool IsLiveTerminal(int descriptor);
ColorDepth ColorsOf(int descriptor);
/// Columns and rows; 80 x 24 where unknown.
int TerminalColumns(int descriptor);
int TerminalRows(int descriptor);

}  // namespace mae
