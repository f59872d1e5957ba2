#include "server/dataset_service.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data/dataset_path.h"
#include "data/image_picture.h"
#include "server/dataset_to_proto.h"
#include "server/page.h"
#include "server/status_to_grpc.h"
#include "server/unary_call.h"
#include "server/upload_stream.h"

namespace mae {
namespace {

constexpr int64_t kMaxImages = 256;

using DatasetStream = UploadStream<v1::UploadDatasetRequest, v1::Dataset, DatasetUpload>;

absl::StatusOr<Split> SplitFromName(const std::string& name) {
  if (name.empty() || name == "validation") return Split::kValidation;
  if (name == "train") return Split::kTrain;
  return InvalidField("split", absl::StrCat("\"", name, "\" is not train or validation"));
}

absl::Status CheckRange(const v1::GetDatasetImagesRequest& request, int64_t images) {
  if (request.count() < 0 || request.count() > kMaxImages) {
    return InvalidField("count", absl::StrCat(request.count(), " is not in 0..", kMaxImages, " (0 means 1)"));
  }
  if (request.stride() < 0) return InvalidField("stride", absl::StrCat(request.stride(), " is below 0"));
  if (request.first() < 0) return InvalidField("first", absl::StrCat(request.first(), " is below 0"));
  if (request.first() < images) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat(
      "first: ", request.first(), " is past the last image: the split has ", images, ", counted from 0"));
}

ImageChoice ChoiceOf(const v1::GetDatasetImagesRequest& request, int64_t images) {
  // Bounded by the split before it is multiplied.
  const auto stride = std::clamp<int64_t>(request.stride(), 1, images);
  const auto last = request.first() + stride * (std::max(1, request.count()) - 1);
  return {request.first(), stride, std::min(images, last + 1)};
}

absl::Status TooManyPixels(size_t fitting, int64_t limit) {
  return InvalidField("count", absl::StrCat("the images have more than ", limit,
                                            " bytes of pixels together; ask for ", fitting, " at a time"));
}

absl::StatusOr<std::string> NameOf(const std::string& given) {
  const std::string name = DatasetShortName(given);
  if (const auto named = CheckDatasetName(name); !named.ok())
    return InvalidField("name", std::string(named.message()));
  return name;
}

}  // namespace

DatasetService::DatasetService(DatasetStore& store, WorkQueue& queue, JobsOnDataset jobs_on,
                               TransferLimits transfer_limits, DatasetUploadLimits upload_limits,
                               int64_t max_answer_bytes)
    : store_(store),
      queue_(queue),
      jobs_on_(std::move(jobs_on)),
      upload_limits_(upload_limits),
      max_answer_bytes_(max_answer_bytes),
      staging_(store.root() / ".uploads", store.trash()),
      transfers_(transfer_limits) {
  transfers_.queue.TryPush([this] { staging_.Sweep(); });
  EmptyTrash();
}

// Beside the calls: with a million files it takes minutes.
void DatasetService::EmptyTrash() {
  transfers_.queue.TryPush([this] { store_.trash().Empty(); });  // If there is no room, the next one does it.
}

grpc::ServerUnaryReactor* DatasetService::ListDatasets(grpc::CallbackServerContext* context,
                                                       const v1::ListDatasetsRequest* request,
                                                       v1::ListDatasetsResponse* response) {
  return RunUnary(context, queue_, [=, this] { return List(*request, *response); });
}

grpc::ServerUnaryReactor* DatasetService::GetDataset(grpc::CallbackServerContext* context,
                                                     const v1::GetDatasetRequest* request,
                                                     v1::Dataset* response) {
  return RunUnary(context, queue_, [=, this] { return Get(*request, *response); });
}

grpc::ServerUnaryReactor* DatasetService::GetDatasetImages(grpc::CallbackServerContext* context,
                                                           const v1::GetDatasetImagesRequest* request,
                                                           v1::GetDatasetImagesResponse* response) {
  return RunUnary(context, queue_, [=, this] { return GetImages(*request, *response); });
}

grpc::ServerReadReactor<v1::UploadDatasetRequest>* DatasetService::UploadDataset(
    grpc::CallbackServerContext* context, v1::Dataset* response) {
  const auto publish = [this](DatasetUpload& upload, const std::function<bool()>& is_cancelled,
                              v1::Dataset& dataset) {
    const absl::Status published = upload.Publish(is_cancelled, dataset);
    EmptyTrash();
    return published;
  };
  return new DatasetStream(transfers_, context, response, publish, staging_, store_, upload_limits_);
}

grpc::ServerUnaryReactor* DatasetService::GetDatasetUpload(grpc::CallbackServerContext* context,
                                                           const v1::GetDatasetUploadRequest* request,
                                                           v1::DatasetUpload* response) {
  return RunUnary(context, queue_, [=, this] { return GetUpload(*request, *response); });
}

grpc::ServerUnaryReactor* DatasetService::DeleteDataset(grpc::CallbackServerContext* context,
                                                        const v1::DeleteDatasetRequest* request,
                                                        google::protobuf::Empty*) {
  return RunUnary(context, queue_, [=, this] { return Delete(*request); });
}

absl::Status DatasetService::List(const v1::ListDatasetsRequest& request,
                                  v1::ListDatasetsResponse& response) const {
  MAE_ASSIGN_OR_RETURN(const auto page, ParsePage(request.page_size(), request.page_token()));
  std::string last;
  for (const auto& entry : store_.List()) {
    if (entry.name <= page.after) continue;
    if (response.datasets_size() == page.size) {
      response.set_next_page_token(NextPageToken(last));
      break;
    }
    *response.add_datasets() = ToProto(entry);
    last = entry.name;
  }
  return absl::OkStatus();
}

absl::Status DatasetService::Get(const v1::GetDatasetRequest& request, v1::Dataset& response) const {
  MAE_ASSIGN_OR_RETURN(const auto entry, store_.FindEntry(request.name()));
  response = ToProto(entry);
  return absl::OkStatus();
}

absl::Status DatasetService::GetImages(const v1::GetDatasetImagesRequest& request,
                                       v1::GetDatasetImagesResponse& response) const {
  MAE_ASSIGN_OR_RETURN(const auto split, SplitFromName(request.split()));
  MAE_ASSIGN_OR_RETURN(const auto info, store_.Find(request.name()));
  const auto total = split == Split::kTrain ? info.train_images : info.validation_images;
  MAE_RETURN_IF_ERROR(CheckRange(request, total));
  std::map<int64_t, v1::DatasetImage> images;  // An archive has them in any order.
  int64_t bytes = 0;
  const auto add = [&](int64_t index, int64_t label, const Picture& picture) -> absl::Status {
    bytes += static_cast<int64_t>(picture.pixels.size());
    if (bytes > max_answer_bytes_ && !images.empty()) return TooManyPixels(images.size(), max_answer_bytes_);
    MAE_ASSIGN_OR_RETURN(images[index], ToProto(picture, index, label, info));
    return absl::OkStatus();
  };
  MAE_RETURN_IF_ERROR(VisitPictures(info, split, ChoiceOf(request, total), add));
  for (auto& [index, image] : images) *response.add_images() = std::move(image);
  return absl::OkStatus();
}

absl::Status DatasetService::GetUpload(const v1::GetDatasetUploadRequest& request,
                                       v1::DatasetUpload& response) {
  MAE_ASSIGN_OR_RETURN(const auto name, NameOf(request.name()));
  MAE_ASSIGN_OR_RETURN(response, staging_.Read(name));
  if (!response.source().empty()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("nothing of an upload to datasets/", name, " is there"));
}

absl::Status DatasetService::Delete(const v1::DeleteDatasetRequest& request) {
  MAE_ASSIGN_OR_RETURN(const auto name, NameOf(request.name()));
  MAE_ASSIGN_OR_RETURN(const auto claim, staging_.Take(name));
  if (!claim.Load().source().empty()) {
    MAE_RETURN_IF_ERROR(claim.Clear());
  } else {
    MAE_ASSIGN_OR_RETURN(const auto jobs, jobs_on_(name));
    if (!jobs.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("datasets/", name, " is used by ",
                                                        absl::StrJoin(jobs, ", "),
                                                        "; stop the job first, or wait for its end"));
    }
    MAE_RETURN_IF_ERROR(store_.Delete(name));
  }
  EmptyTrash();
  return absl::OkStatus();
}

}  // namespace mae
