#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "client/bulk_calls.h"
#include "client/call_status.h"
#include "client/image_batches.h"
#include "client/option_values.h"
#include "client/output.h"
#include "client/table.h"
#include "client/verb_registry.h"
#include "mae/v1/inference.grpc.pb.h"

namespace mae {
namespace {

const std::map<std::string, std::string> kOptionsOfClassify = {{"model", "--model"}, {"top_k", "--top-k"}};

struct ClassifyOptions {
  std::vector<std::string> images;
  std::string model;
  int top_k = 1;
  bool logits = false;
  bool exact_size = false;
  bool keep_going = false;
};

/// What the pictures seen so far are.
class Results {
 public:
  explicit Results(int top_k) : top_k_(top_k) {}

  absl::Status Add(const ImageSource& source, const std::string& model, const v1::Classification& one) {
    rows_.push_back({source.name, one});
    MAE_ASSIGN_OR_RETURN(const std::string text, ToJsonLine(one));
    nlohmann::ordered_json row = {{"file", source.name}, {"model_version", model}};
    row.update(nlohmann::ordered_json::parse(text));
    json_.push_back(row.dump());
    return absl::OkStatus();
  }

  bool empty() const { return rows_.empty(); }

  absl::Status Write(OutputFormat format) const {
    if (format != OutputFormat::kTable) return WriteJson(format, JsonRows(json_));
    WriteStdout(TableOfRows());
    return absl::OkStatus();
  }

 private:
  std::string TableOfRows() const {
    std::vector<std::string> headings = {"FILE", "LABEL", "PROBABILITY"};
    for (int k = 2; k <= Columns(); ++k)
      headings.insert(headings.end(), {absl::StrCat("LABEL ", k), "PROBABILITY"});
    Table table(headings);
    for (const auto& [name, one] : rows_) {
      std::vector<std::string> row = {name};
      for (int k = 0; k < std::min(Columns(), one.scores_size()); ++k) {
        row.push_back(one.scores(k).label());
        row.push_back(absl::StrFormat("%.4f", one.scores(k).probability()));
      }
      table.Add(std::move(row));
    }
    return table.Text();
  }

  /// No more than the model has classes.
  int Columns() const {
    int most = 1;
    for (const auto& [name, one] : rows_) most = std::max(most, one.scores_size());
    return std::min(top_k_, most);
  }

  const int top_k_;
  std::vector<std::pair<std::string, v1::Classification>> rows_;
  std::vector<std::string> json_;
};

absl::Status CheckOptions(OutputFormat format, const ClassifyOptions& options) {
  if (!options.logits || format != OutputFormat::kTable) return absl::OkStatus();
  return absl::InvalidArgumentError("--logits: a table does not show them; add -o json or -o yaml");
}

absl::Status Ask(Session& session, const ClassifyOptions& options, LeftOut& left_out, Results& results) {
  MAE_ASSIGN_OR_RETURN(const std::vector<ImageSource> sources, ListImages(options.images));
  MAE_ASSIGN_OR_RETURN(const BatchLimits limits, AskBatchLimits(session));
  MAE_ASSIGN_OR_RETURN(const Connection* connection, session.Connect());
  v1::ClassifyRequest base;
  base.set_model(options.model);
  base.set_top_k(options.top_k);
  base.set_logits(options.logits);
  base.set_exact_size(options.exact_size);
  BulkCalls<v1::ClassifyRequest, v1::ClassifyResponse> calls(*connection, &AsyncInference::Classify, base,
                                                             limits, left_out);
  return calls.Run(sources, [&](const auto& batch, const auto& response) -> absl::Status {
    if (response.classifications_size() != static_cast<int>(batch.size())) {
      return absl::InternalError(
          "the server answered another number of classifications than images were sent");
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      MAE_RETURN_IF_ERROR(
          results.Add(batch[i], response.model_version(), response.classifications(static_cast<int>(i))));
    }
    return absl::OkStatus();
  });
}

absl::Status Classify(Session& session, const ClassifyOptions& options) {
  MAE_RETURN_IF_ERROR(CheckOptions(session.options.format, options));
  LeftOut left_out(options.keep_going);
  Results results(options.top_k);
  const absl::Status status = Ask(session, options, left_out, results);
  if (!status.ok() && results.empty()) return NameOptions(status, kOptionsOfClassify);
  // What was done before a bad picture is shown as well.
  const absl::Status written = results.Write(session.options.format);
  if (!status.ok()) return NameOptions(status, kOptionsOfClassify);
  return written.ok() ? left_out.Result() : written;
}

}  // namespace

void AddClassifyCommand(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Use a model", "classify", "Say what is on pictures",
                             "classify shirt.png --model fashion-classifier\n"
                             "classify photos/ --model fashion-classifier@latest --top-k 3 -o json");
  auto options = std::make_shared<ClassifyOptions>();
  verb->add_option("images", options->images, "Files, folders, or - for stdin")->required();
  verb->add_option("--model", options->model, "MODEL, MODEL@ALIAS or MODEL/versions/N")->required();
  verb->add_option("--top-k", options->top_k, "The K most likely classes")
      ->check(OneOrMore())
      ->capture_default_str();
  verb->add_flag("--exact-size", options->exact_size,
                 "Refuse pictures of another size than the model's instead of scaling and cutting them");
  AddKeepGoing(verb, options->keep_going);
  verb->add_flag("--logits", options->logits, "In JSON and YAML: the outputs of the head, before softmax");
  verbs.OnChosen(verb, [&verbs, options] { return Classify(verbs.session(), *options); });
}

}  // namespace mae
