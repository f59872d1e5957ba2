#include "train/gradient_reducer.h"

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <vector>

#include "train/trained_parameters.h"

namespace mae {
namespace {

// Those of DistributedDataParallel; the first is small, since its gradients are the first there.
constexpr size_t kFirstBucketBytes = c10d::kDefaultFirstBucketBytes,
                 kBucketBytes = c10d::kDefaultBucketBytesCap;

// Gradients come about in the opposite order of the parameters.
std::vector<std::vector<size_t>> BucketsOf(const std::vector<torch::Tensor>& parameters) {
  auto [buckets, limits] =
      c10d::compute_bucket_assignment_by_size(parameters, {kFirstBucketBytes, kBucketBytes});
  return {buckets.rbegin(), buckets.rend()};
}

std::unique_ptr<c10d::Reducer> MakeReducer(const std::vector<torch::Tensor>& parameters,
                                           ProcessGroup& group) {
  c10d::verify_params_across_processes(group.c10d_group(), parameters, std::nullopt);
  return std::make_unique<c10d::Reducer>(
      parameters, BucketsOf(parameters), group.c10d_group(),
      /*expect_sparse_gradients=*/std::vector<bool>(parameters.size(), false),
      /*bucket_bytes_cap=*/static_cast<int64_t>(kBucketBytes), /*find_unused_parameters=*/false,
      /*gradient_as_bucket_view=*/true, /*param_names=*/std::unordered_map<size_t, std::string>(),
      /*first_bucket_bytes_cap=*/static_cast<int64_t>(kFirstBucketBytes),
      /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
      /*bucket_bytes_cap_list=*/std::vector<int64_t>());
}

}  // namespace

GradientReducer::GradientReducer(const torch::nn::Module& model, ProcessGroup& group)
    : reducer_(WithCollectives([&] { return MakeReducer(TrainedParameters(model), group); })) {}
GradientReducer::~GradientReducer() = default;

void GradientReducer::BeginForward() {
  WithCollectives([&] {
    reducer_->prepare_for_forward();
    // After the first pass: buckets in the order in which gradients came.
    if (reducer_->should_rebuild_buckets()) reducer_->rebuild_buckets();
  });
}

void GradientReducer::Backward(const torch::Tensor& loss) {
  WithCollectives([&] {
    reducer_->prepare_for_backward({});
    loss.backward();
  });
}

}  // namespace mae
