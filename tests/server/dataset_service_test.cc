#include "server/dataset_service.h"

#include "image/codec.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/server/grpc_host.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class DatasetServiceTest : public testing::Test {
 protected:
  DatasetServiceTest() {
    WriteIdxDataset(folder_ / "fashion-mnist", 20, 10);
    WriteCifar10Dataset(folder_ / "colours", 4);
  }

  grpc::Status Images(const std::string& name, const std::string& split, int64_t first, int32_t count,
                      v1::GetDatasetImagesResponse& response) {
    v1::GetDatasetImagesRequest request;
    request.set_name(name);
    request.set_split(split);
    request.set_first(first);
    request.set_count(count);
    return stub_->GetDatasetImages(Patience().get(), request, &response);
  }

  TempFolder folder_;
  std::unique_ptr<DatasetStore> store_ = *DatasetStore::Create({{"fashion-mnist", folder_ / "fashion-mnist"},
                                                                {"colours", folder_ / "colours"},
                                                                {"missing", folder_ / "nowhere"}},
                                                               folder_ / "datasets");
  WorkQueue queue_{1, 8};
  DatasetService service_{*store_, queue_, [](const std::string&) { return std::vector<std::string>(); }};
  GrpcHost host_{&service_};
  std::unique_ptr<v1::DatasetService::Stub> stub_ = v1::DatasetService::NewStub(host_.channel());
};

TEST_F(DatasetServiceTest, GetDatasetTellsWhatIsKnown) {
  v1::GetDatasetRequest request;
  request.set_name("datasets/fashion-mnist");
  v1::Dataset dataset;
  ASSERT_TRUE(stub_->GetDataset(Patience().get(), request, &dataset).ok());
  EXPECT_EQ(dataset.name(), "datasets/fashion-mnist");
  EXPECT_EQ(dataset.format(), "idx");
  EXPECT_EQ(dataset.train_images(), 20);
  EXPECT_EQ(dataset.validation_images(), 10);
  EXPECT_EQ(dataset.channels(), 1);
  EXPECT_EQ(dataset.image_height(), 28);
  EXPECT_EQ(dataset.image_width(), 28);
  EXPECT_THAT(dataset.labels(), SizeIs(10));
  EXPECT_THAT(dataset.mean(), SizeIs(1));
  EXPECT_EQ(dataset.problem(), "");
}

TEST_F(DatasetServiceTest, ABrokenDatasetSaysItsProblem) {
  v1::GetDatasetRequest request;
  request.set_name("missing");
  v1::Dataset dataset;
  ASSERT_TRUE(stub_->GetDataset(Patience().get(), request, &dataset).ok());
  EXPECT_THAT(dataset.problem(), HasSubstr("nowhere"));
  EXPECT_EQ(dataset.path(), (folder_ / "nowhere").string());
}

TEST_F(DatasetServiceTest, UnknownDatasetsAreToldTheNearest) {
  v1::GetDatasetRequest request;
  request.set_name("fashion-mnits");
  v1::Dataset dataset;
  const auto status = stub_->GetDataset(Patience().get(), request, &dataset);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("'fashion-mnist'"));
}

TEST_F(DatasetServiceTest, ListDatasetsPagesInOrderOfName) {
  v1::ListDatasetsRequest request;
  request.set_page_size(2);
  v1::ListDatasetsResponse response;
  ASSERT_TRUE(stub_->ListDatasets(Patience().get(), request, &response).ok());
  ASSERT_THAT(response.datasets(), SizeIs(2));
  EXPECT_EQ(response.datasets(0).name(), "datasets/colours");
  request.set_page_token(response.next_page_token());
  ASSERT_TRUE(stub_->ListDatasets(Patience().get(), request, &response).ok());
  ASSERT_THAT(response.datasets(), SizeIs(1));
  EXPECT_EQ(response.datasets(0).name(), "datasets/missing");
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(DatasetServiceTest, ImagesAreThoseOfTheFile) {
  const auto info = store_->Find("fashion-mnist");
  const auto wanted = LoadSplit(info->format, info->path, Split::kTrain, 0);
  v1::GetDatasetImagesResponse response;
  ASSERT_TRUE(Images("fashion-mnist", "train", 17, 256, response).ok());
  ASSERT_THAT(response.images(), SizeIs(3));  // to the end of the split
  for (int i = 0; i < 3; ++i) {
    const auto& image = response.images(i);
    EXPECT_EQ(image.index(), 17 + i);
    EXPECT_EQ(image.label(), wanted->labels[17 + i]);
    EXPECT_EQ(image.label_name(), info->labels[wanted->labels[17 + i]]);
    const auto picture = DecodePicture(image.png(), 1 << 20);
    ASSERT_THAT(picture, IsOk());
    EXPECT_EQ(picture->pixels, std::vector<uint8_t>(wanted->image(17 + i), wanted->image(17 + i) + 28 * 28));
  }
}

TEST_F(DatasetServiceTest, OfManyPixelsFewerImagesAreAskedForAtATime) {
  constexpr int64_t kTwoImages = int64_t{2} * 28 * 28;
  DatasetService service{*store_, queue_, [](const std::string&) { return std::vector<std::string>(); },
                         {},      {},     kTwoImages};
  GrpcHost host{&service};
  const auto stub = v1::DatasetService::NewStub(host.channel());
  v1::GetDatasetImagesRequest request;
  request.set_name("fashion-mnist");
  v1::GetDatasetImagesResponse response;
  request.set_count(2);
  EXPECT_TRUE(stub->GetDatasetImages(Patience().get(), request, &response).ok());
  EXPECT_THAT(response.images(), SizeIs(2));
  request.set_count(3);
  const auto refused = stub->GetDatasetImages(Patience().get(), request, &response);
  EXPECT_THAT(FaultyFields(refused), ElementsAre("count"));
  EXPECT_THAT(refused.error_message(), HasSubstr("ask for 2 at a time"));
  request.set_name("colours");  // One of them alone has more than the limit.
  request.set_count(1);
  EXPECT_TRUE(stub->GetDatasetImages(Patience().get(), request, &response).ok());
}

TEST_F(DatasetServiceTest, ColourPlanesBecomePixels) {
  const auto info = store_->Find("colours");
  const auto wanted = LoadSplit(info->format, info->path, Split::kValidation, 1);
  v1::GetDatasetImagesResponse response;
  ASSERT_TRUE(Images("datasets/colours", "validation", 0, 1, response).ok());
  const auto picture = DecodePicture(response.images(0).png(), 1 << 20);
  ASSERT_THAT(picture, IsOk());
  ASSERT_EQ(picture->channels, 3);
  for (size_t i = 0; i < 32 * 32; ++i) {
    for (size_t c = 0; c < 3; ++c) ASSERT_EQ(picture->pixels[i * 3 + c], wanted->pixels[c * 1024 + i]);
  }
}

TEST_F(DatasetServiceTest, OneValidationImageIsTheDefault) {
  v1::GetDatasetImagesResponse response;
  ASSERT_TRUE(Images("fashion-mnist", "", 9, 0, response).ok());
  ASSERT_THAT(response.images(), SizeIs(1));
  EXPECT_EQ(response.images(0).index(), 9);
}

TEST_F(DatasetServiceTest, ImagesOutsideTheLimitsAreRefused) {
  v1::GetDatasetImagesResponse response;
  const auto past = Images("fashion-mnist", "validation", 10, 1, response);
  EXPECT_EQ(past.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(past.error_message(), HasSubstr("has 10"));
  EXPECT_THAT(FaultyFields(Images("fashion-mnist", "test", 0, 1, response)), ElementsAre("split"));
  EXPECT_THAT(FaultyFields(Images("fashion-mnist", "", -1, 1, response)), ElementsAre("first"));
  EXPECT_THAT(FaultyFields(Images("fashion-mnist", "", 0, 257, response)), ElementsAre("count"));
  EXPECT_EQ(Images("nothing", "", 0, 1, response).error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace mae
