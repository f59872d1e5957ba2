#pragma once

#include <string>

#include "inference/grpc_service.pb.h"
#include "server/infer_statistics.h"
#include "server/inference_task.h"
#include "server/server_config.h"
#include "serving/model_version.h"

/// What there is to tell of a model, as messages of the Open Inference Protocol. Pure. @param name as the
/// caller has it, with or without a task: clients look for it in the answer.
namespace mae {

inference::ModelMetadataResponse DescribeTensors(const std::string& name, const ModelVersion& version,
                                                 InferenceTask task);

inference::ModelConfig DescribeConfig(const std::string& name, const ModelVersion& version,
                                      InferenceTask task, const ServerConfig::Inference& settings);

inference::ModelStatistics DescribeCounts(const std::string& name, int64_t version,
                                          const ModelCounts& counts);

}  // namespace mae
