#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/fakes/temp_folder.h"

namespace mae {

/// How mae_client is run by a test.
struct ClientOptions {
  std::string server = {};  ///< MAE_SERVER; empty: not set
  /// On top of a bare one (PATH, HOME, XDG_CONFIG_HOME, TZ, TERM).
  std::map<std::string, std::string> environment = {};
  std::string input = {};  ///< stdin
  /// A pseudo-terminal of 80 x 24.
  bool stdout_is_terminal = false, stderr_is_terminal = false;
  std::filesystem::path home = {};  ///< empty: a folder of its own, removed after
};

struct ClientResult {
  int exit_code = -1;    ///< 128 + signal if a signal ended it
  std::string out, err;  ///< what came through the terminal is in `terminal` instead
  std::string terminal;
};

/// The program mae_client of $MAE_BIN_DIR in a process of its own, its streams read. Not thread-safe. Ends
/// the process (SIGKILL) when destroyed before Finish.
class ClientProcess {
 public:
  ClientProcess(const std::vector<std::string>& arguments, const ClientOptions& options);
  ~ClientProcess();
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;

  /// Reads until `text` has come on any stream. False if the process ended or 30 s passed first.
  bool WaitFor(const std::string& text);
  void Signal(int signal);
  /// Reads to the end and waits for it.
  ClientResult Finish();

 private:
  bool ReadSome(absl::Time deadline);

  pid_t pid_ = -1;
  TempFolder own_home_;
  std::map<int, std::string*> streams_;  ///< open descriptors, and where their text goes
  ClientResult result_;
};

/// Runs it to its end.
ClientResult RunClient(const std::vector<std::string>& arguments, const ClientOptions& options = {});

}  // namespace mae
