#pragma once

#include <string>

namespace mae {

/// A random UUID of version 4. Thread-safe.
std::string FreshUuid();

}  // namespace mae
