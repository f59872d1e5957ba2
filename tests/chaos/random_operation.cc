#include "tests/chaos/random_operation.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

constexpr const char* kModels[] = {"a", "b"};
constexpr const char* kAliases[] = {"best", "prod"};
constexpr size_t kMaxJobs = 6, kMaxRealJobs = 2;

struct Hand {
  JobOperations& jobs;
  ModelOperations& models;
  Acknowledged& known;
  Choices& choices;
  bool puppet;

  void Create() const {
    if (known.jobs.size() < (puppet ? kMaxJobs : kMaxRealJobs))
      jobs.Create(choices.Once(4) ? "" : choices.OneOf(kModels));
  }
  // A job that is there, or a new one.
  void OnJob(const std::function<void(KnownJob&)>& act) const {
    std::vector<KnownJob*> there;
    for (KnownJob& job : known.jobs) {
      if (job.presence == Presence::kThere) there.push_back(&job);
    }
    if (there.empty()) return Create();
    act(*choices.OneOf(there));
  }
  void OnRunning(const std::function<void(KnownJob&)>& act) const {
    KnownJob* job = puppet ? jobs.AwaitRunning() : nullptr;
    if (job == nullptr) return Create();
    act(*job);
  }
  // A version that is there, or an import.
  void OnVersion(const std::function<void(const ModelOperations::Version&)>& act) const {
    std::vector<ModelOperations::Version> there;
    for (const auto& [version, seen] : known.versions) {
      if (seen.presence == Presence::kThere) there.push_back(version);
    }
    if (there.empty()) return models.Import(choices.OneOf(kModels));
    act(choices.OneOf(there));
  }
  void Succeed() const {
    OnRunning([&](KnownJob& job) {
      jobs.Succeed(job);
      if (choices.Once(2)) return;
      Eventually([&] { return job.ended || !jobs.Get(job); }, absl::Milliseconds(500));
    });
  }
  void Alias() const {
    OnVersion([&](const auto& version) {
      const char* alias = choices.OneOf(kAliases);
      choices.Once(4) ? models.RemoveAlias(version.first, alias) : models.SetAlias(version, alias);
    });
  }
  void TellSomething() const {
    OnRunning([&](KnownJob& job) {
      constexpr const char* kLines[] = {"log hello", "picture 1", "checkpoint 1", "fail it was told to",
                                        "exit 1"};
      jobs.Tell(job, choices.OneOf(kLines));
    });
  }
  void OnModels() const {
    switch (choices.Below(5)) {
      case 0:
        return Alias();
      case 1:
        return models.Import(choices.OneOf(kModels));
      case 2:
        return OnVersion([&](const auto& version) { models.DeleteVersion(version); });
      case 3:
        return OnVersion([&](const auto& version) { models.Load(version); });
      default:
        OnVersion([&](const auto& version) { models.Infer(VersionName(version)); });
    }
  }
};

}  // namespace

void RandomOperation(JobOperations& jobs, ModelOperations& models, Acknowledged& known, Choices& choices,
                     bool puppet_trainer) {
  const Hand hand{jobs, models, known, choices, puppet_trainer};
  switch (choices.Below(16)) {
    case 0:
    case 1:
    case 2:
      return hand.Create();
    case 3:
    case 4:
      return hand.OnRunning([&](KnownJob& job) { jobs.TellMetrics(job); });
    case 5:
    case 6:
    case 7:
      return hand.Succeed();
    case 8:
      return hand.TellSomething();
    case 9:
      return hand.OnJob([&](KnownJob& job) { jobs.Stop(job); });
    case 10:
      return hand.OnJob([&](KnownJob& job) { jobs.Resume(job); });
    case 11:
      return hand.OnJob([&](KnownJob& job) { jobs.Delete(job); });
    case 12:
      return hand.OnJob([&](KnownJob& job) { jobs.Watch(job); });
    case 13:
      return jobs.List();
    default:
      hand.OnModels();
  }
}

}  // namespace mae
