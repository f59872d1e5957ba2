#include "client/completion.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "client/output.h"
#include "client/verb_registry.h"
#include "recipe/builtin_recipes.h"

namespace mae {
namespace {

std::vector<const CLI::App*> VerbsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

std::string FlagsOf(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : OptionsOf(app)) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return absl::StrJoin(flags, " ");
}

std::string VerbNames(const CLI::App& app, const char* separator) {
  return absl::StrJoin(VerbsOf(app), separator, [](std::string* out, const CLI::App* verb) {
    absl::StrAppend(out, verb->get_name());
  });
}

/// What may follow a verb: its options, its own verbs (config), and the global options.
std::string WordsAfter(const CLI::App& verb, const CLI::App& app) {
  return absl::StrCat(VerbNames(verb, " "), " ", FlagsOf(verb), " ", FlagsOf(app));
}

/// For the inside of '…' in any of the shells.
std::string Quoted(const std::string& text) { return absl::StrReplaceAll(text, {{"'", ""}}); }

/// A function that sets `words`, in the language that bash and zsh share.
std::string WordsFunction(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* verb : VerbsOf(app)) {
    absl::StrAppend(&cases, "    ", verb->get_name(), ") words='", WordsAfter(*verb, app), "' ;;\n");
  }
  return absl::StrCat(
      "_mae_client_words() {  # the word before the cursor, then all words before it\n"
      "  local previous=$1 word verb=\n"
      "  shift\n"
      "  for word in \"$@\"; do\n"
      "    case $word in ",
      VerbNames(app, "|"),
      ") verb=$word; break ;; esac\n"
      "  done\n"
      "  case $previous in\n"
      "    --recipe) words='",
      absl::StrJoin(BuiltinRecipeNames(), " "),
      "'; return ;;\n"
      "    -o|--output) words='table json yaml csv'; return ;;\n"
      "    --split) words='train validation'; return ;;\n"
      "    completion) words='bash zsh fish'; return ;;\n"
      "  esac\n"
      "  case $verb in\n",
      cases, "    *) words='", VerbNames(app, " "), " ", FlagsOf(app), "' ;;\n  esac\n}\n");
}

std::string Bash(const CLI::App& app) {
  return absl::StrCat(
      "# bash completion of mae_client:  source <(mae_client completion bash)\n", WordsFunction(app),
      "_mae_client() {\n"
      "  local words\n"
      "  _mae_client_words \"${COMP_WORDS[COMP_CWORD-1]}\" \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
      "}\n"
      "complete -o default -F _mae_client mae_client\n");
}

std::string Zsh(const CLI::App& app) {
  return absl::StrCat(
      "#compdef mae_client\n# zsh completion of mae_client:  source <(mae_client completion zsh)\n",
      WordsFunction(app),
      "_mae_client() {\n"
      "  local words_before=(\"${(@)words[2,CURRENT-1]}\") previous=${words[CURRENT-1]}\n"
      "  local words\n"
      "  _mae_client_words \"$previous\" \"${words_before[@]}\"\n"
      "  compadd -- ${=words}\n"
      "  _files\n"
      "}\n"
      "compdef _mae_client mae_client\n");
}

void FishOptions(const CLI::App& app, const std::string& condition, std::string& script) {
  for (const CLI::Option* option : OptionsOf(app)) {
    absl::StrAppend(&script, "complete -c mae_client", condition);
    for (const std::string& name : option->get_lnames()) absl::StrAppend(&script, " -l ", name);
    for (const std::string& name : option->get_snames()) absl::StrAppend(&script, " -s ", name);
    if (option->get_type_size() != 0) absl::StrAppend(&script, " -r");
    if (option->check_lname("recipe"))
      absl::StrAppend(&script, " -a '", absl::StrJoin(BuiltinRecipeNames(), " "), "'");
    if (option->check_lname("output")) absl::StrAppend(&script, " -f -a 'table json yaml csv'");
    absl::StrAppend(&script, " -d '", Quoted(option->get_description()), "'\n");
  }
}

std::string Fish(const CLI::App& app) {
  std::string script = "# fish completion of mae_client:  mae_client completion fish | source\n";
  FishOptions(app, "", script);
  for (const CLI::App* verb : VerbsOf(app)) {
    absl::StrAppend(&script, "complete -c mae_client -n __fish_use_subcommand -f -a ", verb->get_name(),
                    " -d '", Quoted(verb->get_description()), "'\n");
    const std::string seen = absl::StrCat(" -n '__fish_seen_subcommand_from ", verb->get_name(), "'");
    FishOptions(*verb, seen, script);
    if (!VerbsOf(*verb).empty())
      absl::StrAppend(&script, "complete -c mae_client", seen, " -f -a '", VerbNames(*verb, " "), "'\n");
  }
  return absl::StrCat(
      script, "complete -c mae_client -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n");
}

}  // namespace

absl::StatusOr<std::string> CompletionScript(const std::string& shell, const CLI::App& app) {
  if (shell == "bash") return Bash(app);
  if (shell == "zsh") return Zsh(app);
  if (shell == "fish") return Fish(app);
  return absl::InvalidArgumentError(absl::StrCat("no completion for '", shell, "': use bash, zsh or fish"));
}

void AddCompletionCommand(VerbRegistry& verbs, const CLI::App& app) {
  CLI::App* verb =
      verbs.Add("Server", "completion", "A script that teaches your shell these verbs and options",
                "completion bash > ~/.local/share/bash-completion/completions/mae_client\n"
                "completion fish | source");
  auto shell = std::make_shared<std::string>();
  verb->add_option("shell", *shell, "bash, zsh or fish")->required();
  verbs.OnChosen(verb, [&app, shell]() -> absl::Status {
    MAE_ASSIGN_OR_RETURN(const std::string script, CompletionScript(*shell, app));
    WriteStdout(script);
    return absl::OkStatus();
  });
}

}  // namespace mae
