#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "client/session.h"

namespace mae {

/// The verbs of the command line: each group of commands adds its own. Not thread-safe.
class VerbRegistry {
 public:
  using Action = std::function<absl::Status()>;

  /// Both must outlive the registry.
  VerbRegistry(CLI::App& app, Session& session) : app_(app), session_(session) {}

  /// A verb under a heading of the help. `examples`: command lines without "mae_client ", one a line, shown
  /// first in the verb's own help. The verb is owned by the app; add its options to it.
  CLI::App* Add(const std::string& heading, const std::string& name, const std::string& summary,
                const std::string& examples);

  /// What to do if the verb is the one on the command line.
  void OnChosen(CLI::App* verb, Action action);

  /// Runs the chosen verb, after parsing.
  absl::Status Run() const { return chosen_(); }

  Session& session() { return session_; }

 private:
  CLI::App& app_;
  Session& session_;
  Action chosen_;
};

// Each adds the verbs of its file.
void AddStartCommands(
    VerbRegistry& verbs);  // start-pretrain start-finetune start-linear-probe start-knn-probe start-evaluate
void AddWatchCommand(VerbRegistry& verbs);        // watch
void AddJobCommands(VerbRegistry& verbs);         // list-jobs get-job stop-job resume-job delete-job
void AddMetricsCommand(VerbRegistry& verbs);      // metrics
void AddPlotCommand(VerbRegistry& verbs);         // plot
void AddDatasetCommands(VerbRegistry& verbs);     // list-datasets get-dataset
void AddUploadCommands(VerbRegistry& verbs);      // upload-dataset delete-dataset
void AddModelCommands(VerbRegistry& verbs);       // list-models get-model
void AddModelLifeCommands(VerbRegistry& verbs);   // set-alias delete-model load-model unload-model
void AddImportCommand(VerbRegistry& verbs);       // import-model
void AddExportCommand(VerbRegistry& verbs);       // export-model
void AddReconstructCommand(VerbRegistry& verbs);  // reconstruct
void AddClassifyCommand(VerbRegistry& verbs);     // classify
void AddEmbedCommand(VerbRegistry& verbs);        // embed
void AddServerCommands(VerbRegistry& verbs);      // server-info
void AddConfigCommands(VerbRegistry& verbs);      // config
void AddCompletionCommand(VerbRegistry& verbs, const CLI::App& app);  // completion

}  // namespace mae
