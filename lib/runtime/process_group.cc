#include "runtime/process_group.h"

#include <chrono>
#include <cstdlib>
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "runtime/awaited_listener.h"
#include "runtime/gpu_collectives.h"

namespace mae {
namespace {

using Milliseconds = std::chrono::milliseconds;
using StorePtr = c10::intrusive_ptr<c10d::Store>;

constexpr absl::Duration kMeetingPause = absl::Milliseconds(50);
constexpr char kLoopback[] = "127.0.0.1";

StorePtr MakeStore(const RankPlace& place, Milliseconds timeout) {
  StorePtr store;
  if (!place.meeting_file.empty()) {
    store = c10::make_intrusive<c10d::FileStore>(place.meeting_file.string(), static_cast<int>(place.ranks));
  } else {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(place.port);
    options.isServer = place.rank == 0;
    options.numWorkers = static_cast<size_t>(place.ranks);
    options.timeout = timeout;
    options.waitWorkers = false;  // AwaitAll does, and hears of a stop
    store = c10::make_intrusive<c10d::TCPStore>(place.address, options);
  }
  store->setTimeout(timeout);
  return store;
}

// Where ranks of one machine talk nobody else can listen; between machines it is the interface that
// GLOO_SOCKET_IFNAME names, else that of the host's name.
std::shared_ptr<gloo::transport::Device> GlooDevice(const RankPlace& place) {
  if (!place.meeting_file.empty()) {
    return c10d::ProcessGroupGloo::createDeviceForHostname(kLoopback, /*lazyInit=*/false);
  }
  if (const char* interface = std::getenv("GLOO_SOCKET_IFNAME"); interface != nullptr && *interface != '\0') {
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface, /*lazyInit=*/false);
  }
  return c10d::ProcessGroupGloo::createDefaultDevice(/*lazyInit=*/false);
}

// Until every rank has come: what is made over the store then waits for nobody who may not.
absl::Status AwaitAll(c10d::Store& store, const RankPlace& place, absl::Time deadline,
                      const std::atomic<bool>& stop) {
  std::vector<std::string> keys;
  for (int64_t rank = 0; rank < place.ranks; ++rank) keys.push_back(absl::StrCat("came/", rank));
  store.set(keys[static_cast<size_t>(place.rank)], std::string("1"));
  while (!store.check(keys)) {
    if (stop) return absl::CancelledError("asked to stop before all ranks had come");
    if (absl::Now() > deadline) return absl::UnavailableError("not all ranks have come in time");
    absl::SleepFor(kMeetingPause);
  }
  return absl::OkStatus();
}

absl::StatusOr<StorePtr> Meet(const RankPlace& place, absl::Duration timeout, const std::atomic<bool>& stop) {
  const absl::Time deadline = absl::Now() + timeout;
  // A TCPStore tries for as long as it likes, whatever signal comes.
  if (place.meeting_file.empty() && place.rank > 0) {
    MAE_RETURN_IF_ERROR(AwaitListener(place.address, place.port, deadline, stop));
  }
  StorePtr store = MakeStore(place, absl::ToChronoMilliseconds(timeout));
  MAE_RETURN_IF_ERROR(AwaitAll(*store, place, deadline, stop));
  return store;
}

c10::intrusive_ptr<c10d::ProcessGroup> MakeGroup(const StorePtr& store, const RankPlace& place,
                                                 Milliseconds timeout) {
  const int rank = static_cast<int>(place.rank), ranks = static_cast<int>(place.ranks);
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(GlooDevice(place));
  auto group = c10::make_intrusive<c10d::ProcessGroup>(store, rank, ranks);
  const c10::intrusive_ptr<c10d::Backend> gloo =
      c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, ranks, std::move(options));
  group->setBackend(c10::kCPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
  AddGpuCollectives(*group, store, place, timeout);
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  group->setGroupName("ranks");
  return group;
}

}  // namespace

void RethrowFromCollective() {
  try {
    throw;
  } catch (const GroupLostError&) {
    throw;
  } catch (const c10::DistError& error) {  // of stores and NCCL
    throw GroupLostError(error.what_without_backtrace());
  } catch (const std::runtime_error& error) {  // of Gloo; c10::Error is none
    throw GroupLostError(error.what());
  }
}

ProcessGroup::ProcessGroup() = default;
ProcessGroup::ProcessGroup(const RankPlace& place, c10::intrusive_ptr<c10d::ProcessGroup> group)
    : place_(place), group_(std::move(group)) {}
ProcessGroup::~ProcessGroup() = default;

absl::StatusOr<std::unique_ptr<ProcessGroup>> ProcessGroup::Join(const RankPlace& place,
                                                                 absl::Duration timeout,
                                                                 const std::atomic<bool>& stop) {
  if (place.ranks == 1) return std::make_unique<ProcessGroup>();
  try {
    MAE_ASSIGN_OR_RETURN(const StorePtr store, Meet(place, timeout, stop));
    auto made = MakeGroup(store, place, absl::ToChronoMilliseconds(timeout));
    auto group = absl::WrapUnique(new ProcessGroup(place, std::move(made)));
    group->Any(false);
    return group;
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("rank ", place.rank, " of ", place.ranks, " does not reach the others: ", error.what()));
  }
}

bool ProcessGroup::Any(bool mine) {
  if (group_ == nullptr) return mine;
  torch::Tensor said = torch::full({1}, mine ? 1.0 : 0.0, torch::kFloat64);
  Sum(said);
  return said.item<double>() > 0;
}

void ProcessGroup::Sum(torch::Tensor& values) {
  if (group_ == nullptr) return;
  WithCollectives([&] {
    std::vector<torch::Tensor> tensors = {values};
    group_->allreduce(tensors)->wait();
  });
}

void ProcessGroup::Broadcast(torch::Tensor& values) {
  if (group_ == nullptr) return;
  WithCollectives([&] {
    std::vector<torch::Tensor> tensors = {values};
    group_->broadcast(tensors)->wait();
  });
}

std::string ProcessGroup::Broadcast(std::string text) {
  if (group_ == nullptr) return text;
  torch::Tensor size = torch::full({1}, static_cast<int64_t>(text.size()), torch::kInt64);
  Broadcast(size);
  text.resize(static_cast<size_t>(size.item<int64_t>()));
  if (text.empty()) return text;
  torch::Tensor bytes = torch::from_blob(text.data(), {size.item<int64_t>()}, torch::kUInt8);
  Broadcast(bytes);
  return text;
}

}  // namespace mae
