#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/session.h"
#include "mae/v1/inference.pb.h"

/// The pictures that people name on the command line, in batches that the server takes.
namespace mae {

/// One picture: how it is shown in tables, and what files made of it are called.
struct ImageSource {
  std::string name;            ///< as given; "-" for stdin
  std::filesystem::path path;  ///< empty: stdin
  std::string stem() const { return path.empty() ? "stdin" : path.stem().string(); }
};

/// Files stay as they are; a folder stands for the .png .jpg .jpeg .webp .bmp files in it and below, sorted;
/// "-" is stdin. NOT_FOUND for what is not there; INVALID_ARGUMENT for a folder without pictures or "-" given
/// twice.
absl::StatusOr<std::vector<ImageSource>> ListImages(const std::vector<std::string>& arguments);

/// The limits of one request.
struct BatchLimits {
  int64_t images = 64;
  int64_t bytes = 64 << 20;
  int64_t pixels = int64_t{1} << 29;  ///< of pictures whose size can be read
};
/// As GetServerInfo has them; the defaults where it says 0.
absl::StatusOr<BatchLimits> AskBatchLimits(Session& session);

/// Pictures that one request takes.
struct ImageBatch {
  std::vector<ImageSource> sources;
  std::vector<v1::Image> images;  ///< as many
  int64_t pixels = 0;
};

/// The pictures that can't be had: each ends the run, or, with --keep-going, is told on stderr and left out.
class LeftOut {
 public:
  explicit LeftOut(bool keep_going) : keep_going_(keep_going) {}

  /// @param fault of one picture, which it names.
  /// @return what ends the run: `fault`, or OK if it goes on.
  absl::Status Add(const absl::Status& fault);
  /// DATA_LOSS that says how many were left out; OK if none was.
  absl::Status Result() const;

 private:
  const bool keep_going_;
  int64_t count_ = 0;
};

/// Reads pictures into batches, in order.
class BatchReader {
 public:
  /// All outlive the reader.
  BatchReader(const std::vector<ImageSource>& sources, BatchLimits limits, LeftOut& left_out)
      : sources_(sources), limits_(limits), left_out_(left_out) {}

  /// The next batch; an empty one after the last. A picture that can't be read ends it unless it is left
  /// out: call it no more then. DATA_LOSS for an empty file or one above limits.bytes; NOT_FOUND,
  /// PERMISSION_DENIED and what else ReadFile says.
  absl::StatusOr<ImageBatch> Next();

 private:
  const std::vector<ImageSource>& sources_;
  const BatchLimits limits_;
  LeftOut& left_out_;
  size_t next_ = 0;
  absl::Status fault_;     ///< comes after the pictures before it
  ImageBatch read_ahead_;  ///< the picture that did not fit into the batch before
};

}  // namespace mae
