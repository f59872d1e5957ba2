#include "client/verb_registry.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mae {

CLI::App* VerbRegistry::Add(const std::string& heading, const std::string& name, const std::string& summary,
                            const std::string& examples) {
  std::string footer = "Examples:\n";
  for (const auto line : absl::StrSplit(examples, '\n'))
    absl::StrAppend(&footer, "  mae_client ", line, "\n");
  return app_.add_subcommand(name, summary)->group(heading)->footer(footer);
}

void VerbRegistry::OnChosen(CLI::App* verb, Action action) {
  verb->callback([this, action = std::move(action)] { chosen_ = action; });
}

}  // namespace mae
