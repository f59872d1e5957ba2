#include "client/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

namespace mae {
namespace {

class TerminalTest : public testing::Test {
 protected:
  TerminalTest() {
    winsize size{30, 100, 0, 0};
    EXPECT_EQ(openpty(&master_, &slave_, nullptr, nullptr, &size), 0);
    setenv("TERM", "xterm-256color", 1);
    unsetenv("NO_COLOR");
    unsetenv("COLORTERM");
  }
  ~TerminalTest() override {
    close(master_);
    close(slave_);
  }
  int master_ = -1, slave_ = -1;
};

TEST_F(TerminalTest, ColoursFollowTheEnvironment) {
  EXPECT_EQ(ColorsOf(slave_), ColorDepth::k256);
  setenv("COLORTERM", "truecolor", 1);
  EXPECT_EQ(ColorsOf(slave_), ColorDepth::kTrue);
  setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(ColorsOf(slave_), ColorDepth::kNone);
  EXPECT_TRUE(IsLiveTerminal(slave_));
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  EXPECT_EQ(ColorsOf(slave_), ColorDepth::kNone);
  EXPECT_FALSE(IsLiveTerminal(slave_));
  EXPECT_TRUE(IsTerminal(slave_));
}

TEST_F(TerminalTest, SizeIsTheSystems) {
  EXPECT_EQ(TerminalColumns(slave_), 100);
  EXPECT_EQ(TerminalRows(slave_), 30);
}

TEST(Terminal, AFileIsNone) {
  const int file = open("/dev/null", O_RDONLY);
  EXPECT_FALSE(IsTerminal(file));
  EXPECT_EQ(ColorsOf(file), ColorDepth::kNone);
  EXPECT_EQ(TerminalColumns(file), 80);
  close(file);
}

}  // namespace
}  // namespace mae
