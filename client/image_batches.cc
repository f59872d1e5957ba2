#include "client/image_batches.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/output.h"
#include "image/image_header.h"
#include "mae/v1/server.grpc.pb.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

/// Left for the rest of a request beside its images.
constexpr int64_t kMessageSlack = 1 << 20;

absl::Status AddFolder(const fs::path& folder, std::vector<ImageSource>& sources) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file() && IsPictureExtension(it->path().extension().string()))
      found.push_back(it->path());
  }
  if (error) return absl::PermissionDeniedError(absl::StrCat(folder.string(), ": ", error.message()));
  if (found.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder.string(), ": no pictures in this folder (png, jpg, jpeg, webp or bmp)"));
  }
  std::sort(found.begin(), found.end());
  for (const fs::path& path : found) sources.push_back({path.string(), path});
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadSource(const ImageSource& source, int64_t max_bytes) {
  std::string bytes;
  if (source.path.empty()) {
    bytes.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  } else {
    MAE_ASSIGN_OR_RETURN(bytes, ReadFile(source.path));
  }
  if (bytes.empty()) return absl::DataLossError(absl::StrCat(source.name, ": empty, not a picture"));
  if (static_cast<int64_t>(bytes.size()) > max_bytes) {
    return absl::DataLossError(absl::StrCat(source.name, ": ", bytes.size(), " bytes, more than the ",
                                            max_bytes, " that the server takes in one request"));
  }
  return bytes;
}

// 0 where the header does not say: the server will tell what is wrong.
int64_t PixelsOf(const std::string& encoded) {
  const auto header = ReadImageHeader(encoded);
  return header.ok() ? header->width * header->height : 0;
}

bool Fits(const ImageBatch& one, const ImageBatch& batch, int64_t batch_bytes, const BatchLimits& limits) {
  return static_cast<int64_t>(batch.images.size()) < limits.images &&
         batch_bytes + static_cast<int64_t>(one.images[0].encoded().size()) <= limits.bytes &&
         batch.pixels + one.pixels <= limits.pixels;
}

}  // namespace

absl::StatusOr<std::vector<ImageSource>> ListImages(const std::vector<std::string>& arguments) {
  std::vector<ImageSource> sources;
  if (std::count(arguments.begin(), arguments.end(), "-") > 1) {
    return absl::InvalidArgumentError("- (stdin) may be given once");
  }
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (argument == "-") {
      sources.push_back({argument, {}});
    } else if (fs::is_directory(argument, error)) {
      MAE_RETURN_IF_ERROR(AddFolder(argument, sources));
    } else if (fs::exists(argument, error)) {
      sources.push_back({argument, argument});
    } else {
      return absl::NotFoundError(absl::StrCat(argument, ": no such file or folder"));
    }
  }
  return sources;
}

absl::StatusOr<BatchLimits> AskBatchLimits(Session& session) {
  BatchLimits limits;
  MAE_ASSIGN_OR_RETURN(
      const v1::ServerInfo info,
      session.Call<v1::ServerService>(&v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest()));
  if (info.limits().max_images_per_request() > 0) limits.images = info.limits().max_images_per_request();
  if (info.limits().max_request_pixels() > 0) limits.pixels = info.limits().max_request_pixels();
  const int64_t bytes = info.limits().max_message_bytes();
  if (bytes > 0) limits.bytes = std::min(limits.bytes, std::max(bytes - kMessageSlack, bytes / 2));
  return limits;
}

absl::Status LeftOut::Add(const absl::Status& fault) {
  if (!keep_going_) return fault;
  ++count_;
  WriteStderr(absl::StrCat(DescribeFailure(fault), "\n"));
  return absl::OkStatus();
}

absl::Status LeftOut::Result() const {
  if (count_ == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(count_, count_ == 1 ? " picture was" : " pictures were", " left out"));
}

absl::StatusOr<ImageBatch> BatchReader::Next() {
  MAE_RETURN_IF_ERROR(fault_);
  ImageBatch batch = std::move(read_ahead_);
  read_ahead_ = ImageBatch();
  int64_t bytes = batch.images.empty() ? 0 : static_cast<int64_t>(batch.images[0].encoded().size());
  while (next_ < sources_.size()) {
    const ImageSource& source = sources_[next_++];
    absl::StatusOr<std::string> encoded = ReadSource(source, limits_.bytes);
    if (!encoded.ok()) {
      fault_ = left_out_.Add(encoded.status());
      if (fault_.ok()) continue;
      if (batch.images.empty()) return fault_;
      return batch;
    }
    ImageBatch one{{source}, {}, PixelsOf(*encoded)};
    one.images.emplace_back().set_encoded(*std::move(encoded));
    if (!batch.images.empty() && !Fits(one, batch, bytes, limits_)) {
      read_ahead_ = std::move(one);
      return batch;
    }
    bytes += static_cast<int64_t>(one.images[0].encoded().size());
    batch.pixels += one.pixels;
    batch.sources.push_back(source);
    batch.images.push_back(std::move(one.images[0]));
  }
  return batch;
}

}  // namespace mae
