#include "runtime/recorded_step.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mae {

RecordedStep::RecordedStep(const torch::Device& device, Step step, MakeGraph make_graph, Warn warn)
    : device_(device),
      step_(std::move(step)),
      make_graph_(std::move(make_graph)),
      warn_(std::move(warn)),
      stream_(device) {}

std::vector<RecordedStep::Shape> RecordedStep::ShapesOf(const Tensors& tensors) {
  std::vector<Shape> shapes(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].defined()) shapes[i] = {true, tensors[i].sizes().vec(), tensors[i].scalar_type()};
  }
  return shapes;
}

RecordedStep::Tensors RecordedStep::Run(const Tensors& inputs) {
  Tensors outputs;
  stream_.RunInTurn([&] { outputs = RunHere(inputs); });
  return outputs;
}

RecordedStep::Tensors RecordedStep::RunHere(const Tensors& inputs) {
  auto shapes = ShapesOf(inputs);
  in_row_ = shapes == last_ ? in_row_ + 1 : 1;
  last_ = std::move(shapes);
  replays_ = graph_ != nullptr && last_ == recorded_;
  if (!replays_ && make_graph_ && in_row_ > kPlainSteps) replays_ = Record(inputs);
  return replays_ ? Replay(inputs) : step_(OnDevice(inputs));
}

RecordedStep::Tensors RecordedStep::OnDevice(const Tensors& inputs) const {
  Tensors moved = inputs;
  for (auto& tensor : moved) {
    if (tensor.defined()) tensor = tensor.to(device_, /*non_blocking=*/true);
  }
  return moved;
}

bool RecordedStep::Record(const Tensors& inputs) {
  graph_.reset();  // The memory of the former one first.
  outputs_.clear();
  try {
    auto graph = make_graph_();
    inputs_ = OnDevice(inputs);
    for (auto& tensor : inputs_) {
      if (tensor.defined()) tensor = tensor.clone();
    }
    graph->Record([&] { outputs_ = step_(inputs_); });
    recorded_ = last_;
    graph_ = std::move(graph);
  } catch (const std::exception& error) {
    make_graph_ = nullptr;
    inputs_.clear();
    outputs_.clear();
    warn_(absl::StrCat("steps could not be recorded as a CUDA graph and are launched one by one: ",
                       error.what()));
  }
  return graph_ != nullptr;
}

RecordedStep::Tensors RecordedStep::Replay(const Tensors& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined()) inputs_[i].copy_(inputs[i], /*non_blocking=*/true);
  }
  graph_->Replay();
  Tensors outputs = outputs_;
  for (auto& tensor : outputs) {
    if (tensor.defined()) tensor = tensor.clone();
  }
  return outputs;
}

}  // namespace mae
