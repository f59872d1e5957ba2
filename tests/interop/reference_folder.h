#pragma once

#include <cstdlib>
#include <filesystem>

namespace mae {

/// tests/interop/reference: what transformers, timm and torch wrote (tools/make-interop-fixtures).
inline std::filesystem::path InteropReference() {
  const char* const root = std::getenv("MAE_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "tests" / "interop" / "reference";
}

}  // namespace mae
