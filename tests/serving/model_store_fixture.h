#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "serving/model_registry.h"
#include "serving/model_store.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {

/// A data folder with its database, and the store over it, which can be opened again as after a restart.
class ModelStoreTest : public testing::Test {
 protected:
  ModelStoreTest() { Open(); }

  void Open() {
    store_.reset();
    database_.reset();
    database_ = *Database::Open(data_ / "mae.db", Database::Mode::kReadWrite);
    auto store = ModelStore::Create(*database_, mutex_, data_ / "models", {.max_loaded = 2, .batch = {}});
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }

  // The folder that a job leaves.
  std::filesystem::path Export(const std::string& job, const ModelConfig& config = TinyAutoencoder()) {
    ModelCard card;
    card.job = job.empty() ? "" : "jobs/" + job;
    card.dataset = "fashion-mnist";
    card.metrics = {{"loss", 0.25}};
    const auto folder = data_ / ("jobs-" + job) / "export";
    WriteRandomModel(folder, config, card);
    return folder;
  }

  ModelVersion Published(const std::string& job, const std::string& model,
                         const std::vector<std::string>& aliases = {}) {
    const auto version = store_->Publish(Export(job), model, {aliases, ""});
    EXPECT_THAT(version, IsOk());
    return version.ok() ? *version : PublishedModel{};
  }

  // Its files are moved, but the disk is full when it is to be shown.
  void PublishInVain(const std::string& job, const AliasWish& wish) {
    ASSERT_THAT(database_->Execute("CREATE TRIGGER full BEFORE UPDATE ON model_versions "
                                   "BEGIN SELECT RAISE(FAIL, 'full'); END"),
                IsOk());
    EXPECT_FALSE(store_->Publish(Export(job), "m", wish).ok());
    ASSERT_THAT(database_->Execute("DROP TRIGGER full"), IsOk());
  }

  std::map<std::string, int64_t> Aliases(const std::string& model) { return store_->Get(model)->aliases; }

  // What Publish had done when the server died at some step of it.
  void Announce(const std::string& job, int64_t number, const std::vector<std::string>& aliases) {
    ModelVersion version;
    version.model = "m";
    version.version = number;
    version.config = TinyAutoencoder();
    version.card.job = "jobs/" + job;
    version.created = absl::FromUnixSeconds(1000);
    const auto registry = ModelRegistry::Create(*database_, mutex_, data_ / "models");
    ASSERT_THAT((*registry)->Announce(version, "jobs-" + job + "/export", aliases), IsOk());
  }

  TempFolder data_;
  absl::Mutex mutex_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<ModelStore> store_;
};

}  // namespace mae
