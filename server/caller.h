#pragma once

#include <string>

#include "server/role.h"

namespace mae {

/// Who makes a call: what a token or certificate stands for. A plain value.
struct Caller {
  std::string identity;  ///< the token's name, or the name in the certificate
  Role role = Role::kViewer;
};

}  // namespace mae
