#include "data/parquet_reader.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/byte_source.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRowsAtOnce = 256;

absl::Status InFile(const fs::path& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("'", path.string(), "': ", what));
}

// Which columns matter, and what the classes are called if the file tells.
struct ParquetColumns {
  std::string image, label;
  std::vector<std::string> labels;
};

std::string TextAt(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// An array of strings; nothing if it is anything else.
std::vector<std::string> TextsAt(const nlohmann::json& object, const char* key) {
  std::vector<std::string> texts;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return texts;
  for (const auto& text : *found) {
    if (!text.is_string()) return {};
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

// The features that the `datasets` library notes in the file: {"info": {"features": {NAME: {"_type": …}}}}.
ParquetColumns NotedColumns(const std::shared_ptr<const arrow::KeyValueMetadata>& metadata) {
  ParquetColumns columns;
  if (metadata == nullptr || !metadata->Contains("huggingface")) return columns;
  const auto noted = nlohmann::json::parse(*metadata->Get("huggingface"), nullptr, false);
  const auto features = nlohmann::json::json_pointer("/info/features");
  if (noted.is_discarded() || !noted.contains(features)) return columns;
  for (const auto& [name, feature] : noted.at(features).items()) {
    if (!feature.is_object()) continue;
    const std::string type = TextAt(feature, "_type");
    if (type == "Image" && columns.image.empty()) columns.image = name;
    // CIFAR-100 has coarse classes beside the fine ones.
    if (type != "ClassLabel") continue;
    if (!columns.label.empty() && !absl::StrContains(columns.label, "coarse")) continue;
    columns.label = name;
    columns.labels = TextsAt(feature, "names");
  }
  return columns;
}

std::string FirstOf(const arrow::Schema& schema, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (schema.GetFieldByName(name) != nullptr) return name;
  }
  return "";
}

// Of the files before.
int64_t BytesIn(const EncodedImages& images) {
  int64_t bytes = 0;
  for (const auto& content : images.contents) bytes += static_cast<int64_t>(content->size());
  return bytes;
}

class ParquetFile {
 public:
  static absl::StatusOr<ParquetFile> Open(const fs::path& path) {
    ParquetFile file(path);
    const auto input = arrow::io::ReadableFile::Open(path.string());
    if (!input.ok()) return InFile(path, input.status().message());
    auto reader = parquet::arrow::OpenFile(*input, arrow::default_memory_pool());
    if (!reader.ok()) return InFile(path, reader.status().message());
    file.reader_ = *std::move(reader);
    file.reader_->set_batch_size(kRowsAtOnce);
    MAE_RETURN_IF_ERROR(file.FindColumns());
    return file;
  }

  int64_t rows() const { return reader_->parquet_reader()->metadata()->num_rows(); }
  const std::vector<std::string>& labels() const { return columns_.labels; }

  // Appends the first `limit` images.
  absl::Status Read(int64_t limit, EncodedImages& images) {
    const auto* schema = reader_->parquet_reader()->metadata()->schema();
    const int image =
        std::max(schema->ColumnIndex(columns_.image), schema->ColumnIndex(columns_.image + ".bytes"));
    const int label = schema->ColumnIndex(columns_.label);
    std::vector<int> groups;
    for (int group = 0; group < reader_->num_row_groups(); ++group) groups.push_back(group);
    const auto batches = reader_->GetRecordBatchReader(groups, {image, label});
    if (!batches.ok()) return InFile(path_, batches.status().message());
    auto blob = std::make_shared<std::string>();
    const auto file = static_cast<int32_t>(images.files.size());
    for (int64_t read = 0; read < limit;) {
      const auto batch = (*batches)->Next();
      if (!batch.ok()) return InFile(path_, batch.status().message());
      if (*batch == nullptr) break;
      const int64_t rows = std::min((*batch)->num_rows(), limit - read);
      MAE_RETURN_IF_ERROR(Append(**batch, rows, file, *blob, images));
      read += rows;
    }
    images.files.push_back(path_.string());
    images.contents.push_back(std::move(blob));
    return absl::OkStatus();
  }

  // Reads the column of classes alone.
  absl::StatusOr<int64_t> GreatestLabel() {
    std::vector<int> groups;
    for (int group = 0; group < reader_->num_row_groups(); ++group) groups.push_back(group);
    const auto* schema = reader_->parquet_reader()->metadata()->schema();
    const auto batches = reader_->GetRecordBatchReader(groups, {schema->ColumnIndex(columns_.label)});
    if (!batches.ok()) return InFile(path_, batches.status().message());
    int64_t greatest = 0;
    for (;;) {
      const auto batch = (*batches)->Next();
      if (!batch.ok()) return InFile(path_, batch.status().message());
      if (*batch == nullptr) return greatest;
      for (int64_t row = 0; row < (*batch)->num_rows(); ++row) {
        MAE_ASSIGN_OR_RETURN(const int64_t label, LabelOf(*(*batch)->column(0), row));
        greatest = std::max(greatest, label);
      }
    }
  }

 private:
  explicit ParquetFile(fs::path path) : path_(std::move(path)) {}

  absl::Status FindColumns() {
    std::shared_ptr<arrow::Schema> schema;
    if (const auto status = reader_->GetSchema(&schema); !status.ok()) return InFile(path_, status.message());
    columns_ = NotedColumns(schema->metadata());
    if (schema->GetFieldByName(columns_.image) == nullptr)
      columns_.image = FirstOf(*schema, {"image", "img"});
    if (schema->GetFieldByName(columns_.label) == nullptr)
      columns_.label = FirstOf(*schema, {"label", "fine_label", "labels"});
    if (columns_.image.empty() || columns_.label.empty()) {
      return InFile(path_, absl::StrCat("has no column of ",
                                        columns_.image.empty() ? "images (image, img)" : "classes (label)"));
    }
    const auto type = schema->GetFieldByName(columns_.image)->type();
    const bool is_binary = type->id() == arrow::Type::BINARY;
    const auto* bytes = type->id() == arrow::Type::STRUCT
                            ? static_cast<const arrow::StructType&>(*type).GetFieldByName("bytes").get()
                            : nullptr;
    if (is_binary || (bytes != nullptr && bytes->type()->id() == arrow::Type::BINARY))
      return absl::OkStatus();
    return InFile(path_, absl::StrCat("column '", columns_.image, "' is ", type->ToString(),
                                      "; images must be binary, or a struct with binary `bytes`"));
  }

  absl::StatusOr<std::shared_ptr<arrow::BinaryArray>> Images(const arrow::RecordBatch& batch) const {
    auto column = batch.GetColumnByName(columns_.image);
    if (column != nullptr && column->type_id() == arrow::Type::STRUCT)
      column = std::static_pointer_cast<arrow::StructArray>(column)->GetFieldByName("bytes");
    if (column == nullptr || column->type_id() != arrow::Type::BINARY)
      return InFile(path_, absl::StrCat("column '", columns_.image, "' holds no bytes"));
    return std::static_pointer_cast<arrow::BinaryArray>(column);
  }

  absl::StatusOr<int64_t> LabelOf(const arrow::Array& column, int64_t row) const {
    const auto scalar = column.GetScalar(row);
    if (scalar.ok()) {
      const auto number = (*scalar)->CastTo(arrow::int64());
      if (number.ok() && (*number)->is_valid) return static_cast<const arrow::Int64Scalar&>(**number).value;
    }
    return InFile(path_, absl::StrCat("column '", columns_.label, "' must hold whole numbers"));
  }

  absl::Status Append(const arrow::RecordBatch& batch, int64_t rows, int32_t file, std::string& blob,
                      EncodedImages& images) const {
    MAE_ASSIGN_OR_RETURN(const auto bytes, Images(batch));
    const auto labels = batch.GetColumnByName(columns_.label);
    if (labels == nullptr) return InFile(path_, "holds no classes");
    const int64_t before = BytesIn(images);
    for (int64_t row = 0; row < rows; ++row) {
      const std::string_view image = bytes->GetView(row);
      if (bytes->IsNull(row) || image.empty())
        return InFile(path_, absl::StrCat("image ", images.count(), " of the split is empty"));
      if (before + static_cast<int64_t>(blob.size() + image.size()) > kMaxDatasetFileBytes) {
        return InFile(path_,
                      absl::StrCat("brings the split above ", kMaxDatasetFileBytes,
                                   " bytes of images, which are kept in memory; write tar shards instead"));
      }
      MAE_ASSIGN_OR_RETURN(const int64_t label, LabelOf(*labels, row));
      images.places.push_back({file, static_cast<int64_t>(blob.size()), static_cast<int64_t>(image.size())});
      images.labels.push_back(label);
      blob.append(image);
    }
    return absl::OkStatus();
  }

  fs::path path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  ParquetColumns columns_;
};

struct ParquetSplit {
  EncodedImages images;
  int64_t rows = 0;
  std::vector<std::string> labels;  ///< as the files name them; empty: they don't
  int64_t greatest = 0;             ///< class in use, where they are not named
};

absl::StatusOr<ParquetSplit> ReadParquetSplit(const std::vector<fs::path>& files, int64_t limit) {
  ParquetSplit split;
  for (const fs::path& path : files) {
    MAE_ASSIGN_OR_RETURN(ParquetFile file, ParquetFile::Open(path));
    split.rows += file.rows();
    if (split.labels.empty()) split.labels = file.labels();
    if (split.labels.empty()) {
      MAE_ASSIGN_OR_RETURN(const int64_t greatest, file.GreatestLabel());
      split.greatest = std::max(split.greatest, greatest);
    }
    const int64_t wanted = limit > 0 ? limit - split.images.count() : file.rows();
    if (wanted > 0) MAE_RETURN_IF_ERROR(file.Read(wanted, split.images));
  }
  if (split.images.count() > 0) return split;
  return InFile(files.front(), "holds no images");
}

absl::Status NameParquetClasses(const ParquetSplit& train, const ParquetSplit& validation,
                                EncodedDataset& dataset) {
  dataset.labels = train.labels;
  const int64_t greatest = std::max(train.greatest, validation.greatest);
  for (int64_t label = 0; train.labels.empty() && label <= std::min(greatest, kMaxDatasetClasses); ++label)
    dataset.labels.push_back(absl::StrCat(label));
  const auto classes = std::min(static_cast<int64_t>(dataset.labels.size()), kMaxDatasetClasses);
  for (const ParquetSplit* split : {&train, &validation}) {
    for (const int64_t label : split->images.labels) {
      if (label >= 0 && label < classes) continue;
      return InFile(split->images.files.front(),
                    absl::StrCat("an image has class ", label, "; must be 0 to ", classes - 1));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<EncodedDataset> ReadRequested(const ParquetRequest& request) {
  MAE_ASSIGN_OR_RETURN(ParquetSplit train, ReadParquetSplit(request.files.train, request.train_limit));
  MAE_ASSIGN_OR_RETURN(ParquetSplit validation,
                       ReadParquetSplit(request.files.validation, request.validation_limit));
  EncodedDataset dataset;
  MAE_RETURN_IF_ERROR(NameParquetClasses(train, validation, dataset));
  dataset.train_images = train.rows;
  dataset.validation_images = validation.rows;
  dataset.train = std::move(train.images);
  dataset.validation = std::move(validation.images);
  return dataset;
}

}  // namespace
}  // namespace mae

void MaeReadParquetImages(const mae::ParquetRequest& request, absl::StatusOr<mae::EncodedDataset>& result) {
  // Whatever Arrow or the JSON of a hostile file throws must not reach a program that has no idea of either.
  try {
    result = mae::ReadRequested(request);
  } catch (const std::bad_alloc&) {
    result = absl::ResourceExhaustedError("no memory to read Parquet files");
  } catch (const std::exception& error) {
    result = mae::InFile(request.files.train.front(), error.what());
  }
}
