#include "client/session.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/contexts.h"
#include "client/output.h"

namespace mae {

absl::StatusOr<const Connection*> Session::Connect() {
  if (connection_ != nullptr) return connection_.get();
  MAE_ASSIGN_OR_RETURN(const Contexts contexts, LoadContexts(ContextsPath()));
  MAE_ASSIGN_OR_RETURN(const ServerContext server, ChooseServer(options, contexts));
  MAE_ASSIGN_OR_RETURN(connection_, Connection::Open(server, absl::Seconds(options.timeout_seconds)));
  return connection_.get();
}

void Session::Note(absl::string_view line) const {
  if (!options.quiet) WriteStderr(absl::StrCat(line, "\n"));
}

std::string Session::CommandFor(absl::string_view verb_and_arguments) const {
  std::string globals;
  if (!options.server.empty()) absl::StrAppend(&globals, "--server ", options.server, " ");
  if (!options.context.empty()) absl::StrAppend(&globals, "--context ", options.context, " ");
  return absl::StrCat("mae_client ", globals, verb_and_arguments);
}

}  // namespace mae
