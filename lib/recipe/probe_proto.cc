#include "recipe/probe_proto.h"

namespace mae {

Pooling ReadPooling(v1::Pooling value, Pooling unset) {
  if (value == v1::POOLING_UNSPECIFIED) return unset;
  return value == v1::POOLING_TOKEN ? Pooling::kToken : Pooling::kMean;
}

v1::Pooling WritePooling(Pooling value) {
  return value == Pooling::kToken ? v1::POOLING_TOKEN : v1::POOLING_MEAN;
}

LinearProbeOptions ReadProbe(const v1::LinearProbeSpec& spec) {
  LinearProbeOptions out;
  out.from_model = spec.from_model();
  out.model.pooling = ReadPooling(spec.pooling(), Pooling::kToken);
  out.model.num_classes = spec.num_classes();
  return out;
}

void WriteProbe(const LinearProbeOptions& options, v1::JobSpec& job) {
  auto& out = *job.mutable_linear_probe();
  out.set_from_model(options.from_model);
  out.set_pooling(WritePooling(options.model.pooling));
  out.set_num_classes(static_cast<int32_t>(options.model.num_classes));
}

KnnProbeOptions ReadProbe(const v1::KnnProbeSpec& spec) {
  KnnProbeOptions out;
  out.from_model = spec.from_model();
  out.pooling = ReadPooling(spec.pooling(), Pooling::kMean);
  if (spec.has_neighbors()) out.neighbors = spec.neighbors();
  if (spec.has_temperature()) out.temperature = spec.temperature();
  return out;
}

void WriteProbe(const KnnProbeOptions& options, v1::JobSpec& job) {
  auto& out = *job.mutable_knn_probe();
  out.set_from_model(options.from_model);
  out.set_pooling(WritePooling(options.pooling));
  out.set_neighbors(static_cast<int32_t>(options.neighbors));
  out.set_temperature(options.temperature);
}

EvaluateOptions ReadProbe(const v1::EvaluateSpec& spec) {
  EvaluateOptions out;
  out.from_model = spec.from_model();
  out.on_train_split = spec.split() == v1::EVALUATION_SPLIT_TRAIN;
  return out;
}

void WriteProbe(const EvaluateOptions& options, v1::JobSpec& job) {
  auto& out = *job.mutable_evaluate();
  out.set_from_model(options.from_model);
  out.set_split(options.on_train_split ? v1::EVALUATION_SPLIT_TRAIN : v1::EVALUATION_SPLIT_VALIDATION);
}

}  // namespace mae
