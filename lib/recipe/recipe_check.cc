#include "recipe/recipe_check.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "recipe/model_limits.h"
#include "recipe/recipe_defaults.h"
#include "recipe/run_limits.h"
#include "recipe/well_formed.h"

namespace mae {

std::vector<FieldViolation> ResolveSpec(const RecipeContext& context, v1::JobSpec& spec) {
  ViolationList violations;
  FillDefaults(context, spec, violations);
  CheckWellFormed(spec, "", violations);
  CheckModel(context, spec, violations);
  CheckRun(context, spec, violations);
  return violations.Take();
}

absl::Status ViolationsToStatus(const std::vector<FieldViolation>& violations) {
  if (violations.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrJoin(violations, "\n", [](std::string* out, const FieldViolation& violation) {
        absl::StrAppend(out, violation.field, ": ", violation.description);
      }));
}

}  // namespace mae
