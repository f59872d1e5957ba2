#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What callers may be: docs/security.md says what each role is for. Pure.
namespace mae {

enum class Role : uint8_t { kViewer, kInference, kOperator, kAdmin };

inline constexpr std::array kAllRoles = {Role::kViewer, Role::kInference, Role::kOperator, Role::kAdmin};

/// "viewer", "inference", "operator" or "admin".
std::string_view RoleName(Role role);

/// Nothing for any other word.
std::optional<Role> RoleNamed(std::string_view name);

/// A set of roles.
class Roles {
 public:
  constexpr Roles() = default;
  template <typename... More>
  constexpr explicit Roles(Role first, More... more) : bits_((Bit(first) | ... | Bit(more))) {}

  constexpr bool Has(Role role) const { return (bits_ & Bit(role)) != 0; }
  /// "operator or admin".
  std::string Words() const;

 private:
  static constexpr unsigned Bit(Role role) { return 1U << static_cast<unsigned>(role); }
  unsigned bits_ = 0;
};

}  // namespace mae
