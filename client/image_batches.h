#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
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

/// Reads the pictures and calls `send` for one batch after the other, in order, until one fails.
/// DATA_LOSS for an empty file or one above limits.bytes; an answer about `images[i]` names the file.
absl::Status ForEachBatch(const std::vector<ImageSource>& sources, const BatchLimits& limits,
                          const std::function<absl::Status(const std::vector<ImageSource>& batch,
                                                           const std::vector<v1::Image>& images)>& send);

}  // namespace mae
