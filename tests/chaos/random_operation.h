#pragma once

#include "tests/chaos/acknowledged.h"
#include "tests/chaos/job_operations.h"
#include "tests/chaos/journal.h"
#include "tests/chaos/model_operations.h"

namespace mae {

/// One operation, drawn, on something drawn of what there is.
void RandomOperation(JobOperations& jobs, ModelOperations& models, Acknowledged& known, Choices& choices,
                     bool puppet_trainer);

}  // namespace mae
