#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/role.h"

/// The one table of who may call what. docs/security.md prints it, as a test has tried it. Pure.
namespace mae {

struct RpcRule {
  std::string_view path;         ///< "/mae.v1.JobService/GetJob"
  Roles roles;                   ///< who may call it
  bool is_open = false;          ///< to everybody, without a token: probes
  bool goes_to_the_log = false;  ///< into audit.log: it changes something, or takes weights away
};

/// The rule of a path as gRPC has it in :path; null for one that is in no rule, which nobody may call.
const RpcRule* FindRpcRule(std::string_view path);

/// Every rule.
const std::vector<RpcRule>& RpcRules();

/// Who may read the metrics port: /metrics, the page and its /api.
inline constexpr Roles kWebRoles(Role::kViewer, Role::kOperator, Role::kAdmin);

}  // namespace mae
