#pragma once

namespace mae {

/// How the names of folders begin that are not whole yet, or not any more: readers pass them by, and who
/// holds the place that they are in may sweep them.
inline constexpr char kHiddenPrefix[] = ".tmp-";

}  // namespace mae
