#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/image_batches.h"
#include "client/npy.h"
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
  std::string pool = "mean";
  bool l2_normalize = false;
  std::string out;
};

/// The rows of all batches, under one another.
struct Embeddings {
  std::vector<std::string> names;
  int64_t dimensions = 0;
  std::string data;  ///< float32, little-endian
  std::string model_version;

  absl::Status Add(const std::vector<ImageSource>& batch, const v1::EmbedResponse& response) {
    const v1::Tensor& tensor = response.embeddings();
    const int64_t rows = static_cast<int64_t>(batch.size());
    if (tensor.shape_size() != 2 || tensor.shape(0) != rows ||
        static_cast<int64_t>(tensor.data().size()) != rows * tensor.shape(1) * 4) {
      return absl::InternalError("the server answered embeddings of another shape than images were sent");
    }
    for (const ImageSource& source : batch) names.push_back(source.name);
    dimensions = tensor.shape(1);
    model_version = response.model_version();
    data += tensor.data();
    return absl::OkStatus();
  }

  std::vector<float> Row(size_t index) const {
    std::vector<float> row(static_cast<size_t>(dimensions));
    std::memcpy(row.data(), data.data() + index * row.size() * sizeof(float), row.size() * sizeof(float));
    return row;
  }
};

std::string TableOf(const Embeddings& embeddings) {
  Table table({"FILE", "DIMENSIONS", "LENGTH", "MODEL"});
  for (size_t i = 0; i < embeddings.names.size(); ++i) {
    double squares = 0;
    for (const float value : embeddings.Row(i)) squares += double{value} * value;
    table.Add({embeddings.names[i], absl::StrCat(embeddings.dimensions), ReadableNumber(std::sqrt(squares)),
               embeddings.model_version});
  }
  return table.Text();
}

std::string JsonOf(const Embeddings& embeddings) {
  std::vector<std::string> rows;
  for (size_t i = 0; i < embeddings.names.size(); ++i) {
    rows.push_back(nlohmann::ordered_json({{"file", embeddings.names[i]},
                                           {"model_version", embeddings.model_version},
                                           {"embedding", embeddings.Row(i)}})
                       .dump());
  }
  return JsonRows(rows);
}

absl::Status Write(Session& session, const EmbedOptions& options, const Embeddings& embeddings) {
  if (!options.out.empty()) {
    const int64_t rows = static_cast<int64_t>(embeddings.names.size());
    MAE_ASSIGN_OR_RETURN(const std::string npy, NpyFile(rows, embeddings.dimensions, embeddings.data));
    MAE_RETURN_IF_ERROR(WriteOutputFile(options.out, npy));
    session.Note(absl::StrCat("wrote ", options.out, ": float32 [", rows, ", ", embeddings.dimensions, "]"));
  }
  if (session.options.format != OutputFormat::kTable)
    return WriteJson(session.options.format, JsonOf(embeddings));
  WriteStdout(TableOf(embeddings));
  return absl::OkStatus();
}

absl::Status Embed(Session& session, const EmbedOptions& options) {
  if (!options.out.empty() && !absl::EndsWith(options.out, ".npy")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--out ", options.out, ": the file's name must end in .npy"));
  }
  MAE_ASSIGN_OR_RETURN(const std::vector<ImageSource> sources, ListImages(options.images));
  MAE_ASSIGN_OR_RETURN(const BatchLimits limits, AskBatchLimits(session));
  Embeddings embeddings;
  const absl::Status status =
      ForEachBatch(sources, limits, [&](const auto& batch, const auto& images) -> absl::Status {
        v1::EmbedRequest request;
        request.set_model(options.model);
        request.set_pool(options.pool == "token" ? v1::EMBEDDING_POOL_TOKEN : v1::EMBEDDING_POOL_MEAN);
        request.set_l2_normalize(options.l2_normalize);
        request.mutable_images()->Assign(images.begin(), images.end());
        MAE_ASSIGN_OR_RETURN(const auto response,
                             session.Call<v1::InferenceService>(&v1::InferenceService::Stub::Embed, request));
        return embeddings.Add(batch, response);
      });
  if (!status.ok()) return NameOptions(status, {{"model", "--model"}, {"pool", "--pool"}});
  return Write(session, options, embeddings);
}

}  // namespace

void AddEmbedCommand(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Use a model", "embed", "Turn pictures into vectors",
                             "embed photos/ --model fashion-mae --out photos.npy\n"
                             "embed shirt.png --model fashion-mae --l2-normalize -o json");
  auto options = std::make_shared<EmbedOptions>();
  verb->add_option("images", options->images, "Files, folders, or - for stdin")->required();
  verb->add_option("--model", options->model, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  verb->add_option("--pool", options->pool, "mean of the patch tokens, or the class token")
      ->check(CLI::IsMember({"mean", "token"}))
      ->capture_default_str();
  verb->add_flag("--l2-normalize", options->l2_normalize, "Scale each vector to length 1");
  verb->add_option("--out", options->out, "Write a NumPy file FILE.npy, a row a picture");
  verbs.OnChosen(verb, [&verbs, options] { return Embed(verbs.session(), *options); });
}

}  // namespace mae
