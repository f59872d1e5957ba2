#include "server/role.h"

namespace mae {

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kInference:
      return "inference";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
  }
  return "";
}

std::optional<Role> RoleNamed(std::string_view name) {
  for (const Role role : kAllRoles) {
    if (RoleName(role) == name) return role;
  }
  return std::nullopt;
}

std::string Roles::Words() const {
  std::string words;
  for (const Role role : kAllRoles) {
    if (!Has(role)) continue;
    if (!words.empty()) words += " or ";
    words += RoleName(role);
  }
  return words;
}

}  // namespace mae
