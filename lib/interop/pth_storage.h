#pragma once

#include <torch/torch.h>

#include <optional>
#include <string>
#include <string_view>

/// The names that pickles have for types of storages: "FloatStorage" and so on. Pure.
namespace mae {

std::optional<torch::ScalarType> TypeOfStorage(std::string_view storage_name);

/// Empty: the type has none.
std::string StorageNameOf(torch::ScalarType type);

}  // namespace mae
