#pragma once

#include "mae/v1/job.pb.h"
#include "options/train_options.h"

/// The kinds of a spec that look at a frozen model, to and from their options: the part of recipe_proto.h for
/// them. Unset fields become the options' defaults. What options have beyond the spec (the encoder, the
/// folder of the weights) is not touched. Pure; safe from any thread.
namespace mae {

LinearProbeOptions ReadProbe(const v1::LinearProbeSpec& spec);
KnnProbeOptions ReadProbe(const v1::KnnProbeSpec& spec);
EvaluateOptions ReadProbe(const v1::EvaluateSpec& spec);

/// Sets the kind of the job, every field written out.
void WriteProbe(const LinearProbeOptions& options, v1::JobSpec& job);
void WriteProbe(const KnnProbeOptions& options, v1::JobSpec& job);
void WriteProbe(const EvaluateOptions& options, v1::JobSpec& job);

/// @param unset the value of POOLING_UNSPECIFIED.
Pooling ReadPooling(v1::Pooling value, Pooling unset);
v1::Pooling WritePooling(Pooling value);

}  // namespace mae
