#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"

namespace mae {

/// The layout of one job's folder: the whole interface between server and trainer.
///
///   spec.json     what to train (recipe/recipe_json.h), written by the server, while no trainer runs
///   job.db        state, events, metric series (job/job_db.h)
///   checkpoints/  step-N/ folders (checkpoint/checkpoint_writer.h)
///   samples/      epoch-NNN.png panels
///   tensorboard/  event files (job/tensorboard_writer.h)
///   export/       model.safetensors, config.json, card.json of a job that succeeded, until it is published
///   trace.json    when the phases of some steps ran, where that was asked for (train/step_profile.h)
///   trainer.log   what the trainer printed
///   trainer.lock  locked (flock) by the trainer for as long as it lives
///
/// A value type; holds paths, touches no file except in Create and Sweep.
class JobFolder {
 public:
  explicit JobFolder(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path spec() const { return root_ / "spec.json"; }
  std::filesystem::path database() const { return root_ / "job.db"; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path samples() const { return root_ / "samples"; }
  std::filesystem::path tensorboard() const { return root_ / "tensorboard"; }
  std::filesystem::path exported() const { return root_ / "export"; }
  std::filesystem::path trace() const { return root_ / "trace.json"; }
  std::filesystem::path log() const { return root_ / "trainer.log"; }
  std::filesystem::path lock() const { return root_ / "trainer.lock"; }

  /// Makes the folders and writes spec.json, durably. ALREADY_EXISTS if there is a spec.
  absl::Status Create(const std::string& spec_json) const;
  /// Writes another spec.json in place of the one that is there, durably. Not while a trainer runs.
  absl::Status ReplaceSpec(const std::string& spec_json) const;

  /// Removes what writers that were killed left: temporary files of base/durable_file_writer.h in the folder
  /// itself, samples/ and export/, and hidden checkpoints. Only for who holds trainer.lock. What can't be
  /// removed stays.
  void Sweep() const;

 private:
  std::filesystem::path root_;
};

}  // namespace mae
