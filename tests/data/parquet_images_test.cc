#include "data/parquet_images.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gmock/gmock.h>
#include <parquet/arrow/writer.h>

#include "data/dataset.h"
#include "data/image_picture.h"
#include "tests/data/picture_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

struct Row {
  std::string image;
  int64_t label = 0;
};

Row Grey(uint8_t value, int64_t label) { return {PlainPng(4, 4, {value}), label}; }

std::shared_ptr<arrow::Array> ImageStructs(const std::vector<Row>& rows) {
  const auto bytes = std::make_shared<arrow::BinaryBuilder>();
  const auto path = std::make_shared<arrow::StringBuilder>();
  const auto type =
      arrow::struct_({arrow::field("bytes", arrow::binary()), arrow::field("path", arrow::utf8())});
  arrow::StructBuilder images(type, arrow::default_memory_pool(), {bytes, path});
  for (const Row& row : rows) {
    EXPECT_TRUE(images.Append().ok() && bytes->Append(row.image).ok() && path->AppendNull().ok());
  }
  return images.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> Labels(const std::vector<Row>& rows) {
  arrow::Int64Builder labels;
  for (const Row& row : rows) EXPECT_TRUE(labels.Append(row.label).ok());
  return labels.Finish().ValueOrDie();
}

class ParquetImagesTest : public testing::Test {
 protected:
  // As the `datasets` library writes it, two rows a row group; `noted` is its metadata, none if empty.
  void Write(const std::string& name, const std::vector<Row>& rows, const std::string& noted = "",
             const std::string& image_column = "image") const {
    auto table = arrow::Table::Make(arrow::schema({arrow::field(image_column, ImageStructs(rows)->type()),
                                                   arrow::field("label", arrow::int64())}),
                                    {ImageStructs(rows), Labels(rows)});
    if (!noted.empty())
      table = table->ReplaceSchemaMetadata(arrow::key_value_metadata({{"huggingface", noted}}));
    std::filesystem::create_directories((folder_ / name).parent_path());
    const auto file = arrow::io::FileOutputStream::Open((folder_ / name).string()).ValueOrDie();
    const auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    ASSERT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, 2,
                                           parquet::default_writer_properties(), properties)
                    .ok());
    ASSERT_TRUE(file->Close().ok());
  }

  TempFolder folder_;
};

constexpr const char* kNoted =
    R"({"info": {"features": {"img": {"_type": "Image"},
        "coarse_label": {"_type": "ClassLabel", "names": ["animal"]},
        "label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}}})";

TEST_F(ParquetImagesTest, TheFilesNameTheirColumnsAndClasses) {
  Write("data/train-00000-of-00002.parquet", {Grey(1, 0), Grey(2, 1), Grey(3, 1)}, kNoted, "img");
  Write("data/train-00001-of-00002.parquet", {Grey(4, 0)}, kNoted, "img");
  Write("data/test-00000-of-00001.parquet", {Grey(9, 1)}, kNoted, "img");
  const auto info = InspectDataset("pets", folder_.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->format, "parquet");
  EXPECT_EQ(info->train_images, 4);
  EXPECT_EQ(info->validation_images, 1);
  EXPECT_EQ(info->channels, 1);
  const auto train = LoadSplit("parquet", folder_.path(), Split::kTrain, 0);
  ASSERT_THAT(train, IsOk());
  EXPECT_THAT(train->labels, ElementsAre(0, 1, 1, 0));
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(PictureOf(*train, i).value().pixels, std::vector<uint8_t>(16, static_cast<uint8_t>(i + 1)));
}

TEST_F(ParquetImagesTest, ALimitIsKeptAcrossFilesAndAllAreCounted) {
  Write("train-0.parquet", {Grey(1, 0), Grey(2, 0), Grey(3, 0)});
  Write("train-1.parquet", {Grey(4, 0), Grey(5, 3)});
  Write("test.parquet", {Grey(9, 1), Grey(8, 1)});
  const auto dataset = ScanParquetImages(folder_.path(), 4, 1);
  ASSERT_THAT(dataset, IsOk());
  EXPECT_EQ(dataset->train.count(), 4);
  EXPECT_EQ(dataset->train_images, 5);
  EXPECT_EQ(dataset->validation.count(), 1);
  EXPECT_EQ(dataset->validation_images, 2);
  EXPECT_THAT(dataset->labels, ElementsAre("0", "1", "2", "3")) << "also of rows that were not read";
}

TEST_F(ParquetImagesTest, BothSplitsOfADatasetAreLoadedAtOnce) {
  Write("train.parquet", {Grey(1, 0), Grey(2, 1)});
  Write("val.parquet", {Grey(9, 2)});
  const auto dataset = LoadDataset("greys", folder_.path(), 1, 0);
  ASSERT_THAT(dataset, IsOk());
  EXPECT_EQ(dataset->info.train_images, 2);
  EXPECT_EQ(dataset->train.count, 1) << "though more is read to look at";
  EXPECT_EQ(dataset->train.encoded->count(), 1);
  EXPECT_THAT(dataset->validation.labels, ElementsAre(2));
  EXPECT_THAT(dataset->info.labels, ElementsAre("0", "1", "2"));
}

TEST_F(ParquetImagesTest, NamesTheFileThatIsWrong) {
  Write("train.parquet", {Grey(1, 0)});
  EXPECT_THAT(ScanParquetImages(folder_.path(), 0, 0),
              StatusIs(StatusCode::kNotFound, HasSubstr("validation")));
  Write("test.parquet", {{"", 0}});
  EXPECT_THAT(ScanParquetImages(folder_.path(), 0, 0),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("image 0 of the split is empty")));
  Write("test.parquet", {Grey(1, -1)});
  EXPECT_THAT(ScanParquetImages(folder_.path(), 0, 0),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("class -1")));
  Write("test.parquet", {Grey(1, 0)}, "", "pixels");
  EXPECT_THAT(ScanParquetImages(folder_.path(), 0, 0),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no column of images")));
}

TEST_F(ParquetImagesTest, WhatIsNotedInAnotherFormIsAsIfItWereNotNoted) {
  Write("test.parquet", {Grey(1, 0)});
  for (const char* noted :
       {"[]", "{\"info\": 3}", R"({"info": {"features": [1]}})",
        R"({"info": {"features": {"image": {"_type": 3}}}})",
        R"({"info": {"features": {"label": {"_type": "ClassLabel", "names": {"0": "cat"}}}}})",
        R"({"info": {"features": {"label": {"_type": "ClassLabel", "names": [0, 1]}}}})"}) {
    Write("train.parquet", {Grey(1, 0), Grey(2, 1)}, noted);
    const auto dataset = ScanParquetImages(folder_.path(), 0, 0);
    ASSERT_THAT(dataset, IsOk()) << noted;
    EXPECT_THAT(dataset->labels, ElementsAre("0", "1")) << noted;
  }
}

TEST_F(ParquetImagesTest, ADamagedFileIsAnErrorWhereverTheDamageIs) {
  Write("test.parquet", {Grey(1, 0)});
  Write("train.parquet", {Grey(1, 0), Grey(2, 1), Grey(3, 2)});
  const auto whole = FileBytes(folder_ / "train.parquet");
  for (size_t cut = 0; cut < whole.size(); cut += 37) {
    SetFileBytes(folder_ / "train.parquet", whole.substr(0, cut));
    EXPECT_FALSE(ScanParquetImages(folder_.path(), 0, 0).ok()) << cut;
  }
  // Flipped bytes may still make a table, but never end the process.
  for (size_t at = 0; at < whole.size(); at += 11) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    SetFileBytes(folder_ / "train.parquet", damaged);
    (void)ScanParquetImages(folder_.path(), 0, 0);
  }
}

}  // namespace
}  // namespace mae
