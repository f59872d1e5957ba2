#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/contexts.h"
#include "client/output.h"
#include "client/table.h"
#include "client/verb_registry.h"

namespace mae {
namespace {

std::string ContextsJson(const Contexts& contexts) {
  nlohmann::ordered_json json = {{"path", ContextsPath().string()}, {"current", contexts.current}};
  json["contexts"] = nlohmann::ordered_json::array();
  for (const auto& [name, context] : contexts.by_name) {
    json["contexts"].push_back({{"name", name},
                                {"server", context.server},
                                {"token_file", context.token_file},
                                {"ca_file", context.ca_file},
                                {"cert_file", context.cert_file},
                                {"key_file", context.key_file}});
  }
  return json.dump(1) + "\n";
}

std::string ContextsTable(const Contexts& contexts) {
  Table table({"IN USE", "CONTEXT", "SERVER", "TOKEN FILE", "CA FILE", "CERT FILE"});
  for (const auto& [name, context] : contexts.by_name) {
    table.Add({name == contexts.current ? "*" : " ", name, context.server, context.token_file,
               context.ca_file, context.cert_file});
  }
  return table.Text();
}

absl::Status Show(Session& session) {
  MAE_ASSIGN_OR_RETURN(const Contexts contexts, LoadContexts(ContextsPath()));
  if (session.options.format != OutputFormat::kTable)
    return WriteJson(session.options.format, ContextsJson(contexts));
  WriteStdout(ContextsTable(contexts));
  session.Note(absl::StrCat("from ", ContextsPath().string()));
  return absl::OkStatus();
}

/// Makes the context or changes what is given of it; the first one made is in use at once.
absl::Status Set(Session& session, const std::string& name) {
  const GlobalOptions& options = session.options;
  MAE_ASSIGN_OR_RETURN(Contexts contexts, LoadContexts(ContextsPath()));
  ServerContext& context = contexts.by_name[name];
  if (!options.server.empty()) context.server = options.server;
  if (!options.token_file.empty()) context.token_file = options.token_file;
  if (!options.ca_file.empty()) context.ca_file = options.ca_file;
  if (!options.cert_file.empty()) context.cert_file = options.cert_file;
  if (!options.key_file.empty()) context.key_file = options.key_file;
  if (context.server.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("context ", name, " needs --server HOST:PORT"));
  }
  if (contexts.current.empty()) contexts.current = name;
  MAE_RETURN_IF_ERROR(SaveContexts(contexts, ContextsPath()));
  session.Note(absl::StrCat("saved context ", name, " (", context.server, "), in use is ", contexts.current));
  return absl::OkStatus();
}

absl::Status Use(Session& session, const std::string& name) {
  MAE_ASSIGN_OR_RETURN(Contexts contexts, LoadContexts(ContextsPath()));
  if (contexts.by_name.count(name) == 0) {
    return absl::NotFoundError(absl::StrCat("no context '", name, "': `mae_client config show` lists them"));
  }
  contexts.current = name;
  MAE_RETURN_IF_ERROR(SaveContexts(contexts, ContextsPath()));
  session.Note(absl::StrCat("in use is ", name, " (", contexts.by_name[name].server, ")"));
  return absl::OkStatus();
}

}  // namespace

void AddConfigCommands(VerbRegistry& verbs) {
  CLI::App* config = verbs.Add("Server", "config", "Named servers: show, set, use",
                               "config set lab --server gpu1:8500 --token-file lab.token --ca-file lab.pem\n"
                               "config use lab\nconfig show");
  config->require_subcommand(1);
  CLI::App* show = config->add_subcommand("show", "The contexts, and which is in use");
  verbs.OnChosen(show, [&verbs] { return Show(verbs.session()); });
  auto name = std::make_shared<std::string>();
  CLI::App* set = config->add_subcommand(
      "set", "Make or change a context: --server, --token-file, --ca-file, --cert-file, --key-file");
  set->add_option("name", *name, "The context")->required();
  verbs.OnChosen(set, [&verbs, name] { return Set(verbs.session(), *name); });
  CLI::App* use = config->add_subcommand("use", "Use a context from now on");
  use->add_option("name", *name, "The context")->required();
  verbs.OnChosen(use, [&verbs, name] { return Use(verbs.session(), *name); });
}

}  // namespace mae
