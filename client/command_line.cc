#include "client/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/nearest_word.h"
#include "client/call_status.h"
#include "client/exit_code.h"
#include "client/output.h"
#include "client/session.h"
#include "client/verb_registry.h"

namespace mae {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  mae_client start-pretrain --recipe fashion-mnist-pretrain --model fashion-mae --watch\n"
    "  mae_client list-jobs\n"
    "  mae_client reconstruct shirt.png --model fashion-mae\n"
    "  mae_client --server gpu1:8500 server-info -o json\n";
constexpr char kExitCodes[] =
    "Exit status: 0 done, 1 job failed or request refused, 2 usage, 3 not found, 4 unreachable or too slow,\n"
    "5 not allowed, 130 interrupted (jobs go on). Data is on stdout, all else on stderr.";

/// Help with the examples (kept in the footer) right after the summary, where readers look first.
class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_description(const CLI::App* app) const override {
    return absl::StrCat(CLI::Formatter::make_description(app), "\n", app->get_footer(), "\n");
  }
  std::string make_footer(const CLI::App* app) const override {
    if (app->get_parent() == nullptr) return absl::StrCat(kExitCodes, "\n");
    return "Global options (--server, -o, --timeout, --quiet …): see `mae_client --help`.\n";
  }
};

OutputFormat FormatFrom(const std::string& name) {
  if (name == "json") return OutputFormat::kJson;
  if (name == "yaml") return OutputFormat::kYaml;
  return name == "csv" ? OutputFormat::kCsv : OutputFormat::kTable;
}

/// What is wrong with a number of seconds; nothing if it is above 0.
std::string SecondsProblem(const std::string& text) {
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds) && std::isfinite(seconds) && seconds > 0) return "";
  return absl::StrCat("'", text, "' is no time to wait; give a number of seconds above 0");
}

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--server", options.server,
                 "HOST:PORT; else MAE_SERVER, the context in use, 127.0.0.1:8500");
  app.add_option("--context", options.context, "A named server of `mae_client config`");
  app.add_option("--token-file", options.token_file,
                 "Send this file's content as bearer token; else MAE_TOKEN_FILE");
  app.add_option("--ca-file", options.ca_file, "Use TLS, and trust this authority (PEM)");
  app.add_option("--cert-file", options.cert_file,
                 "Show this certificate (PEM); with --key-file and --ca-file");
  app.add_option("--key-file", options.key_file, "The private key of --cert-file (PEM)");
  app.add_option("--timeout", options.timeout_seconds,
                 "Seconds that one call may take; one has at most 16 pictures")
      ->check(CLI::Validator(SecondsProblem, "SECONDS"))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "-o,--output", [&options](const std::string& name) { options.format = FormatFrom(name); },
         "table, json or yaml; for metrics also csv")
      ->check(CLI::IsMember({"table", "json", "yaml", "csv"}));
  app.add_flag("-q,--quiet", options.quiet, "Nothing but errors on stderr");
  app.set_version_flag("--version", "mae_client " MAE_VERSION);
}

void AddVerbs(VerbRegistry& verbs, const CLI::App& app) {
  AddStartCommands(verbs);
  AddWatchCommand(verbs);
  AddJobCommands(verbs);
  AddMetricsCommand(verbs);
  AddPlotCommand(verbs);
  AddDatasetCommands(verbs);
  AddUploadCommands(verbs);
  AddModelCommands(verbs);
  AddModelLifeCommands(verbs);
  AddImportCommand(verbs);
  AddExportCommand(verbs);
  AddReconstructCommand(verbs);
  AddClassifyCommand(verbs);
  AddEmbedCommand(verbs);
  AddServerCommands(verbs);
  AddConfigCommands(verbs);
  AddCompletionCommand(verbs, app);
}

std::vector<std::string> VerbNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return names;
}

void AppendOptionNames(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
}

/// The command line has what no verb and no option takes, or no verb at all.
absl::Status CheckComplete(const CLI::App& app) {
  const std::vector<std::string> extras = app.remaining(true);
  const auto chosen = app.get_subcommands();
  if (extras.empty()) {
    return chosen.empty() ? absl::InvalidArgumentError("a verb is missing") : absl::OkStatus();
  }
  const std::string& word = extras.front();
  if (chosen.empty() && !absl::StartsWith(word, "-")) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown verb '", word, "'", DidYouMean(word, VerbNames(app))));
  }
  std::vector<std::string> known;
  AppendOptionNames(app, known);
  for (const CLI::App* verb : chosen) AppendOptionNames(*verb, known);
  if (absl::StartsWith(word, "-")) {
    return absl::InvalidArgumentError(absl::StrCat("unknown option '", word, "'", DidYouMean(word, known)));
  }
  return absl::InvalidArgumentError(absl::StrCat("'", word, "' is one argument too many"));
}

/// Before anything is done: a verb that can't write what was asked for would find that out at its end.
absl::Status CheckFormat(const CLI::App& app, OutputFormat format) {
  if (format != OutputFormat::kCsv || app.get_subcommands().front()->get_name() == "metrics")
    return absl::OkStatus();
  return absl::InvalidArgumentError("-o csv is for `metrics` alone: use table, json or yaml");
}

/// " config set", of the words that were understood.
std::string ChosenVerbs(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) return "";
  return absl::StrCat(" ", chosen.front()->get_name(), ChosenVerbs(*chosen.front()));
}

int Fail(const CLI::App& app, const absl::Status& status) {
  const ExitCode code = ExitCodeOf(status);
  WriteStderr(absl::StrCat("mae_client: ", DescribeFailure(status), "\n"));
  if (code == ExitCode::kUsage) {
    WriteStderr(absl::StrCat("see:  mae_client", ChosenVerbs(app), " --help\n"));
  }
  return static_cast<int>(code);
}

}  // namespace

int RunCommandLine(int argc, const char* const* argv) {
  Session session;
  CLI::App app("Trains masked autoencoders on a mae_server and uses what they learned.", "mae_client");
  app.formatter(std::make_shared<ExamplesFirst>());
  app.footer(kExamples)->fallthrough()->require_subcommand(0, 1);
  AddGlobalOptions(app, session.options);
  VerbRegistry verbs(app, session);
  AddVerbs(verbs, app);
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return Fail(app, absl::InvalidArgumentError(error.what()));
  }
  absl::Status status = CheckComplete(app);
  if (status.ok()) status = CheckFormat(app, session.options.format);
  if (status.ok()) status = verbs.Run();
  status.Update(FlushStdout());
  return status.ok() ? 0 : Fail(app, status);
}

}  // namespace mae
