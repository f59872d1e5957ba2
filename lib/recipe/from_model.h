#pragma once

#include <string>

#include "mae/v1/job.pb.h"

/// The model that a job starts from or measures, in whatever kind of spec. Pure; safe from any thread.
namespace mae {

/// Its name as the spec has it; empty: none is named, or this kind never has one.
std::string FromModelOf(const v1::JobSpec& spec);

/// The path of that field in JobSpec, "finetune.from_model"; empty for a kind that has none.
std::string FromModelField(const v1::JobSpec& spec);

/// Sets the field; does nothing for a kind that has none.
void SetFromModel(const std::string& name, v1::JobSpec& spec);

/// The name of the kind that is set, "linear_probe"; empty: none is.
std::string KindNameOf(const v1::JobSpec& spec);

/// The kinds there are, "pretrain, finetune, …", for messages.
std::string AllKindNames();

/// Whether the kind has epochs and makes a model.
bool TrainsModel(const v1::JobSpec& spec);

}  // namespace mae
