#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "client/bulk_calls.h"
#include "client/call_status.h"
#include "client/image_batches.h"
#include "client/npy.h"
#include "client/option_values.h"
#include "client/output.h"
#include "client/output_folder.h"
#include "client/readable.h"
#include "client/table.h"
#include "client/verb_registry.h"
#include "mae/v1/inference.grpc.pb.h"

namespace mae {
namespace {

struct EmbedOptions {
  std::vector<std::string> images;
  std::string model;
  v1::EmbeddingPool pool = v1::EMBEDDING_POOL_MEAN;
  bool l2_normalize = false;
  bool exact_size = false;
  bool keep_going = false;
  std::string out;
  std::string attention;
};

/// The rows of all batches, under one another.
struct Embeddings {
  std::vector<std::string> names;
  std::vector<int64_t> shape;  ///< of one picture: [D], or [patches, D]
  std::string data;            ///< float32, little-endian
  std::string model_version;

  absl::Status Add(const std::vector<ImageSource>& batch, const v1::EmbedResponse& response) {
    const v1::Tensor& tensor = response.embeddings();
    const int64_t rows = static_cast<int64_t>(batch.size());
    int64_t bytes = sizeof(float);
    for (const int64_t size : tensor.shape()) bytes *= size;
    if (tensor.shape_size() < 2 || tensor.shape_size() > 3 || tensor.shape(0) != rows ||
        static_cast<int64_t>(tensor.data().size()) != bytes) {
      return absl::InternalError("the server answered embeddings of another shape than images were sent");
    }
    for (const ImageSource& source : batch) names.push_back(source.name);
    shape.assign(tensor.shape().begin() + 1, tensor.shape().end());
    model_version = response.model_version();
    data += tensor.data();
    return absl::OkStatus();
  }

  /// Of one picture: a vector, or one a patch.
  std::vector<std::vector<float>> Vectors(size_t index) const {
    const auto count = static_cast<size_t>(shape.size() > 1 ? shape[0] : 1);
    std::vector<std::vector<float>> vectors(count, std::vector<float>(static_cast<size_t>(shape.back())));
    const size_t bytes = vectors[0].size() * sizeof(float);
    for (size_t i = 0; i < count; ++i)
      std::memcpy(vectors[i].data(), data.data() + (index * count + i) * bytes, bytes);
    return vectors;
  }
};

/// The mean, where there is more than one.
double LengthOf(const std::vector<std::vector<float>>& vectors) {
  double lengths = 0;
  for (const auto& vector : vectors) {
    double squares = 0;
    for (const float value : vector) squares += double{value} * value;
    lengths += std::sqrt(squares);
  }
  return lengths / static_cast<double>(vectors.size());
}

std::string TableOf(const Embeddings& embeddings) {
  Table table({"FILE", "DIMENSIONS", "LENGTH", "MODEL"});
  for (size_t i = 0; i < embeddings.names.size(); ++i) {
    table.Add({embeddings.names[i], absl::StrJoin(embeddings.shape, " x "),
               ReadableNumber(LengthOf(embeddings.Vectors(i))), embeddings.model_version});
  }
  return table.Text();
}

std::string JsonOf(const Embeddings& embeddings) {
  std::vector<std::string> rows;
  for (size_t i = 0; i < embeddings.names.size(); ++i) {
    const auto vectors = embeddings.Vectors(i);
    nlohmann::ordered_json row = {{"file", embeddings.names[i]}, {"model_version", embeddings.model_version}};
    row["embedding"] =
        embeddings.shape.size() > 1 ? nlohmann::ordered_json(vectors) : nlohmann::ordered_json(vectors[0]);
    rows.push_back(row.dump());
  }
  return JsonRows(rows);
}

/// NAME.attention.png, and NAME.attention.npy of [heads, rows, cols], for each picture of a batch.
absl::Status WriteAttention(const std::vector<ImageSource>& batch, const v1::EmbedResponse& response,
                            OutputFolder& folder) {
  const auto& weights = response.attention();
  const size_t bytes = weights.data().size() / batch.size();
  if (weights.shape_size() != 4 || response.attention_pictures_size() != static_cast<int>(batch.size())) {
    return absl::InternalError("the server answered another number of attention maps than images were sent");
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    const std::string stem = folder.UniqueStem(batch[i].stem());
    MAE_ASSIGN_OR_RETURN(const std::string npy,
                         NpyFile({weights.shape().begin() + 1, weights.shape().end()},
                                 absl::string_view(weights.data()).substr(i * bytes, bytes)));
    MAE_RETURN_IF_ERROR(folder.Write(stem + ".attention.npy", npy));
    MAE_RETURN_IF_ERROR(
        folder.Write(stem + ".attention.png", response.attention_pictures(static_cast<int>(i)).panel()));
  }
  return absl::OkStatus();
}

absl::Status WriteFiles(Session& session, const EmbedOptions& options, const Embeddings& embeddings) {
  if (!options.attention.empty()) session.Note(absl::StrCat("attention maps are in ", options.attention));
  if (options.out.empty()) return absl::OkStatus();
  std::vector<int64_t> shape = embeddings.shape;
  shape.insert(shape.begin(), static_cast<int64_t>(embeddings.names.size()));
  MAE_ASSIGN_OR_RETURN(const std::string npy, NpyFile(shape, embeddings.data));
  MAE_RETURN_IF_ERROR(WriteOutputFile(options.out, npy));
  session.Note(absl::StrCat("wrote ", options.out, ": float32 [", absl::StrJoin(shape, ", "), "]"));
  return absl::OkStatus();
}

absl::Status Write(Session& session, const EmbedOptions& options, const Embeddings& embeddings) {
  // Of no picture nothing says how long a vector is.
  if (!embeddings.names.empty()) MAE_RETURN_IF_ERROR(WriteFiles(session, options, embeddings));
  if (session.options.format != OutputFormat::kTable)
    return WriteJson(session.options.format, JsonOf(embeddings));
  WriteStdout(TableOf(embeddings));
  return absl::OkStatus();
}

v1::EmbedRequest RequestFor(const EmbedOptions& options) {
  v1::EmbedRequest request;
  request.set_model(options.model);
  request.set_pool(options.pool);
  request.set_l2_normalize(options.l2_normalize);
  request.set_exact_size(options.exact_size);
  request.set_attention(!options.attention.empty());
  request.set_attention_pictures(!options.attention.empty());
  return request;
}

absl::Status Embed(Session& session, const EmbedOptions& options) {
  if (!options.out.empty() && !absl::EndsWith(options.out, ".npy")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--out ", options.out, ": the file's name must end in .npy"));
  }
  MAE_ASSIGN_OR_RETURN(const std::vector<ImageSource> sources, ListImages(options.images));
  MAE_ASSIGN_OR_RETURN(const BatchLimits limits, AskBatchLimits(session));
  std::optional<OutputFolder> maps;
  if (!options.attention.empty()) {
    MAE_ASSIGN_OR_RETURN(maps, OutputFolder::Plan(options.attention));
  }
  MAE_ASSIGN_OR_RETURN(const Connection* connection, session.Connect());
  LeftOut left_out(options.keep_going);
  BulkCalls<v1::EmbedRequest, v1::EmbedResponse> calls(*connection, &AsyncInference::Embed,
                                                       RequestFor(options), limits, left_out);
  Embeddings embeddings;
  const absl::Status status =
      calls.Run(sources, [&](const auto& batch, const auto& response) -> absl::Status {
        if (maps) MAE_RETURN_IF_ERROR(WriteAttention(batch, response, *maps));
        return embeddings.Add(batch, response);
      });
  if (!status.ok())
    return NameOptions(status, {{"model", "--model"}, {"pool", "--pool"}, {"attention", "--attention"}});
  MAE_RETURN_IF_ERROR(Write(session, options, embeddings));
  return left_out.Result();
}

}  // namespace

void AddEmbedCommand(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Use a model", "embed", "Turn pictures into vectors",
                             "embed photos/ --model fashion-mae --out photos.npy\n"
                             "embed shirt.png --model fashion-mae --l2-normalize -o json");
  auto options = std::make_shared<EmbedOptions>();
  verb->add_option("images", options->images, "Files, folders, or - for stdin")->required();
  verb->add_option("--model", options->model, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  verb->add_option("--pool", options->pool,
                   "mean of the patch tokens, cls: the class token (or token), or patch: every patch token")
      ->transform(OneOfNames<v1::EmbeddingPool>({{"mean", v1::EMBEDDING_POOL_MEAN},
                                                 {"cls", v1::EMBEDDING_POOL_TOKEN},
                                                 {"token", v1::EMBEDDING_POOL_TOKEN},
                                                 {"patch", v1::EMBEDDING_POOL_PATCHES}}))
      ->type_name("POOL")
      ->default_str("mean");
  verb->add_flag("--l2-normalize", options->l2_normalize, "Scale each vector to length 1");
  verb->add_flag("--exact-size", options->exact_size,
                 "Refuse pictures of another size than the model's instead of scaling and cutting them");
  AddKeepGoing(verb, options->keep_going);
  verb->add_option("--out", options->out, "Write a NumPy file FILE.npy, a row a picture");
  verb->add_option(
      "--attention", options->attention,
      "Write what the class token attends to in the last block into this folder: NAME.attention.png, drawn "
      "over the picture, and NAME.attention.npy of [heads, rows, columns]");
  verbs.OnChosen(verb, [&verbs, options] { return Embed(verbs.session(), *options); });
}

}  // namespace mae
