#include "client/table.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

TEST(Table, AlignsNumbersRightAndTextLeft) {
  Table table({"NAME", "STEPS", "NOTE"});
  table.Add({"a", "5", "x"});
  table.Add({"longer", "1,234", ""});
  EXPECT_EQ(table.Text(),
            "NAME    STEPS  NOTE\n"
            "a           5  x\n"
            "longer  1,234  -\n");
}

TEST(Table, AlignsRightOnlyWhereThereAreNumbers) {
  Table table({"DONE", "CREATED", "NOTHING"});
  table.Add({"47 %", "3 min ago", ""});
  table.Add({"", "59 s ago", ""});
  EXPECT_EQ(table.Text(),
            "DONE  CREATED    NOTHING\n"
            "47 %  3 min ago  -\n"
            "   -  59 s ago   -\n");
}

TEST(Table, IsItsHeadingsWithoutRows) { EXPECT_EQ(Table({"A", "BC"}).Text(), "A  BC\n"); }

TEST(Table, CountsCharactersNotBytes) {
  Table table({"LOSS", "X"});
  table.Add({"▁▂█", "y"});
  EXPECT_EQ(table.Text(), "LOSS  X\n▁▂█   y\n");
}

TEST(FieldLines, LeaveOutWhatIsEmpty) {
  EXPECT_EQ(FieldLines({{"state", "RUNNING"}, {"a long name", ""}, {"job", "jobs/x"}}),
            "state  RUNNING\njob    jobs/x\n");
}

}  // namespace
}  // namespace mae
