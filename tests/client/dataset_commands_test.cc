#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "image/codec.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A split of 300 images, two classes.
Script Images(std::vector<v1::GetDatasetImagesRequest>& seen) {
  Script script;
  script.get_dataset_images = [&seen](const auto&, const v1::GetDatasetImagesRequest& request,
                                      auto& response) {
    seen.push_back(request);
    for (int64_t i = request.first(); i < std::min<int64_t>(300, request.first() + request.count()); ++i) {
      v1::DatasetImage* image = response.add_images();
      image->set_index(i);
      image->set_label(static_cast<int32_t>(i % 2));
      image->set_label_name(i % 2 == 0 ? "Ankle boot" : "T-shirt/top");
      image->set_png(absl::StrCat("png ", i));
    }
    return grpc::Status::OK;
  };
  return script;
}

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(ListDatasets, ShowsSizesAndProblems) {
  Script script;
  script.list_datasets = [](const auto&, const auto&, v1::ListDatasetsResponse& response) {
    v1::Dataset* dataset = response.add_datasets();
    dataset->set_name("datasets/fashion-mnist");
    dataset->set_format("idx");
    dataset->set_train_images(60000);
    dataset->set_validation_images(10000);
    dataset->set_image_height(28);
    dataset->set_image_width(28);
    dataset->set_channels(1);
    dataset->add_labels("T-shirt/top");
    response.add_datasets()->set_problem("no such folder");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"list-datasets"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("fashion-mnist  idx     60,000      10,000  28x28x1        1  -\n"));
  EXPECT_THAT(result.out, HasSubstr("no such folder"));
}

TEST(GetDataset, ShowsLabels) {
  Script script;
  script.get_dataset = [](const auto&, const auto& request, v1::Dataset& dataset) {
    dataset.set_name(request.name());
    dataset.add_labels("cat");
    dataset.add_labels("dog");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"get-dataset", "pets"}, {.server = server.address()});
  EXPECT_THAT(result.out, HasSubstr("datasets/pets\n"));
  EXPECT_THAT(result.out, HasSubstr("cat, dog\n"));
}

TEST(GetDataset, OneThatIsDamagedIsShownAndIsAnError) {
  Script script;
  script.get_dataset = [](const auto&, const auto& request, v1::Dataset& dataset) {
    dataset.set_name(request.name());
    dataset.set_path("/data/torn");
    dataset.set_problem("train-images-idx3-ubyte: 7 bytes short");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"get-dataset", "torn"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("/data/torn\n"));
  EXPECT_THAT(result.err, HasSubstr("datasets/torn can't be used: train-images-idx3-ubyte: 7 bytes short\n"));
}

TEST(GetDataset, DrawsAContactSheetFromAllOverTheSplit) {
  const TempFolder folder;
  std::vector<v1::GetDatasetImagesRequest> seen;
  Script script;
  script.get_dataset = [](const auto&, const auto&, v1::Dataset& dataset) {
    dataset.set_name("datasets/pets");
    dataset.set_validation_images(6400);
    return grpc::Status::OK;
  };
  script.get_dataset_images = [&seen](const auto&, const auto& request, auto& response) {
    seen.push_back(request);
    for (int64_t i = 0; i < 10; ++i) {
      const Picture picture{8 + i, 8, 1, std::vector<uint8_t>(static_cast<size_t>(8 * (8 + i)), 100)};
      response.add_images()->set_png(EncodePng(picture).value());
    }
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const std::string file = folder / "sheet.png";
  const ClientResult result =
      RunClient({"get-dataset", "pets", "--contact-sheet", file}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].count(), 64);
  EXPECT_EQ(seen[0].stride(), 100);
  const auto sheet = DecodePicture(Content(file), 1 << 24);
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  EXPECT_EQ(sheet->width, 8 * 96 + 9 * 4);
  EXPECT_EQ(sheet->height, 2 * 96 + 3 * 4);
}

TEST(GetDatasetImages, ARefusedRequestLeavesNoFolder) {
  TempFolder folder;
  Script script;
  script.get_dataset_images = [](const auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "dataset: there is no \"x\"");
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"get-dataset", "x", "--images", "3", "--out", folder / "samples"},
                                        {.server = server.address()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_FALSE(std::filesystem::exists(folder / "samples"));
}

TEST(GetDatasetImages, AreNoMoreThanAFolderShouldHold) {
  const ClientResult result = RunClient({"get-dataset", "x", "--images", "99999", "--out", "/nowhere"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--images"));
  EXPECT_THAT(result.err, HasSubstr("99999 not in range 1 to 4096"));
}

TEST(GetDatasetImages, AreFilesNamedByIndexAndLabel) {
  TempFolder folder;
  std::vector<v1::GetDatasetImagesRequest> seen;
  FakeServer server(Images(seen));
  const ClientResult result = RunClient({"get-dataset", "fashion-mnist", "--images", "3", "--split", "train",
                                         "--first", "4", "--out", folder / "samples"},
                                        {.server = server.address()});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Content(folder / "samples/00004-ankle-boot.png"), "png 4");
  EXPECT_EQ(Content(folder / "samples/00005-t-shirt-top.png"), "png 5");
  EXPECT_EQ(Content(folder / "samples/00006-ankle-boot.png"), "png 6");
  EXPECT_THAT(result.out, HasSubstr("00005-t-shirt-top.png"));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].split(), "train");
  EXPECT_EQ(seen[0].name(), "datasets/fashion-mnist");
}

TEST(GetDatasetImages, ComeInPagesUntilTheSplitEnds) {
  TempFolder folder;
  std::vector<v1::GetDatasetImagesRequest> seen;
  FakeServer server(Images(seen));
  const ClientResult result =
      RunClient({"get-dataset", "fashion-mnist", "--images", "1000", "--out", folder / "s", "-o", "json"},
                {.server = server.address()});
  server.Stop();
  EXPECT_EQ(nlohmann::json::parse(result.out)["images"].size(), 300u);
  EXPECT_THAT(result.err, HasSubstr("only 300 of 1000"));
  std::vector<int64_t> firsts;
  for (const auto& request : seen) firsts.push_back(request.first());
  EXPECT_THAT(firsts, ElementsAre(0, 256));
}

TEST(GetDatasetImages, NeedAFolder) {
  const ClientResult result = RunClient({"get-dataset", "x", "--images", "3"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--out DIR"));
  EXPECT_EQ(RunClient({"get-dataset", "x", "--first", "3"}).exit_code, 2);
}

TEST(GetDatasetImages, AFolderThatMayNotBeMadeIsNamed) {
  TempFolder folder;
  std::ofstream(folder / "file") << "x";
  const ClientResult result =
      RunClient({"get-dataset", "x", "--images", "3", "--out", folder / "file/below"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr("file/below"));
}

}  // namespace
}  // namespace mae
