#include "interop/pickle.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"
#include "tests/interop/pickle_bytes.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Kind = PickleValue::Kind;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// What pickle.dumps(value, protocol=2) of Python gives.
TEST(Pickle, ReadsScalarsOfEveryKind) {
  const auto pickle = Pickle::Parse(PickleOf(std::string(
      "(N\x88\x89K\x05M\x00\x01J\xFF\xFF\xFF\xFF\x8a\x02\x00\x80G\x3F\xE0\x00\x00\x00\x00\x00\x00U\x02hit",
      32)));
  ASSERT_THAT(pickle, IsOk());
  const auto& items = pickle->root().items;
  ASSERT_EQ(items.size(), 9U);
  EXPECT_EQ(items[0]->kind, Kind::kNone);
  EXPECT_EQ(items[1]->integer, 1);
  EXPECT_EQ(items[2]->integer, 0);
  EXPECT_EQ(items[3]->integer, 5);
  EXPECT_EQ(items[4]->integer, 256);
  EXPECT_EQ(items[5]->integer, -1);
  EXPECT_EQ(items[6]->integer, -32768);
  EXPECT_EQ(items[7]->number, 0.5);
  EXPECT_EQ(items[8]->text, "hi");
}

TEST(Pickle, ReadsContainersAndTheMemo) {
  const auto pickle = Pickle::Parse(
      PickleOf("}q\x01(" + PickledText("a") + "](K\x01K\x02" + "eq\x02" + PickledText("b") + "h\x02u"));
  ASSERT_THAT(pickle, IsOk());
  const auto& dict = pickle->root();
  ASSERT_EQ(dict.kind, Kind::kDict);
  ASSERT_EQ(dict.items.size(), 4U);
  EXPECT_EQ(dict.items[1]->items.size(), 2U);
  EXPECT_EQ(dict.items[1], dict.items[3]) << "the same list, not a copy";
}

TEST(Pickle, DescribesTensors) {
  const auto pickle =
      Pickle::Parse(PickleOf(PickledTensor("0", 6, 1, PickledTuple({2, 2}), PickledTuple({2, 1}))));
  ASSERT_THAT(pickle, IsOk());
  const auto& tensor = pickle->root();
  ASSERT_EQ(tensor.kind, Kind::kTensor);
  EXPECT_EQ(tensor.items[0]->text, "0");
  EXPECT_EQ(tensor.items[0]->integer, 6);
  EXPECT_EQ(tensor.items[0]->items[0]->text, "torch.FloatStorage");
  EXPECT_EQ(tensor.items[1]->integer, 1);
  EXPECT_EQ(tensor.items[2]->items.size(), 2U);
}

TEST(Pickle, NamespaceIsOpaque) {
  const auto pickle = Pickle::Parse(PickleOf("cargparse\nNamespace\n)\x81}" + PickledText("lr") + "K\x01sb"));
  ASSERT_THAT(pickle, IsOk());
  EXPECT_EQ(pickle->root().kind, Kind::kOpaque);
}

// Each would run a command, or reach for what could, if Python read it.
TEST(Pickle, EveryOtherGlobalIsRefusedByItsName) {
  for (const std::string name :
       {"os\nsystem", "posix\nsystem", "nt\nsystem", "builtins\neval", "builtins\nexec", "__builtin__\neval",
        "subprocess\nPopen", "torch\nload", "torch._utils\nimport_module",
        "numpy.core.multiarray\n_reconstruct", "collections\nOrderedDict.fromkeys", "functools\npartial",
        "runpy\n_run_code", "torch.serialization\nload"}) {
    std::string dotted = name;
    dotted[dotted.find('\n')] = '.';
    EXPECT_THAT(Pickle::Parse(PickleOf("c" + name + "\n" + PickledText("touch /tmp/owned") + "\x85R")),
                StatusIs(kInvalid, AllOf(HasSubstr("refused"), HasSubstr(dotted))));
  }
  EXPECT_THAT(Pickle::Parse(PickleOf("\x8c\x05posix\x8c\x06system\x93" + PickledText("id") + "\x85R")),
              StatusIs(kInvalid, HasSubstr("posix.system")));
}

TEST(Pickle, OperationsThatBuildObjectsByNameAreUnknown) {
  EXPECT_THAT(Pickle::Parse(PickleOf("(S'id'\nios\nsystem\n")), StatusIs(kInvalid, HasSubstr("0x53")));
  for (const char operation : {'i', 'o', 'P', '\x82', '\x83', '\x84', '\x92', 'I', 'L', 'V', '2', '\x97'}) {
    EXPECT_THAT(Pickle::Parse(PickleOf(std::string(1, operation) + "os\nsystem\n")),
                StatusIs(kInvalid, HasSubstr("is none that weights need")))
        << operation;
  }
}

TEST(Pickle, KnownGlobalsTakeOnlyWhatTorchSaveGivesThem) {
  for (const std::string& value :
       {std::string("ctorch._utils\n_rebuild_tensor_v2\n)R"), std::string("ctorch\nFloatStorage\n)R"),
        std::string("ccollections\nOrderedDict\nK\x01\x85R"),
        std::string("ctorch._utils\n_rebuild_parameter\nK\x01\x85R"),
        "ctorch\nSize\n" + PickledText("x") + "\x85R", std::string("K\x01)R")}) {
    EXPECT_THAT(Pickle::Parse(PickleOf(value)), StatusIs(kInvalid)) << value;
  }
}

// A long tuple, kept in the memo and given to tensor after tensor, would be looked through for each of them.
TEST(Pickle, SizesAreAtMostSixtyFour) {
  const auto size = [](int count) {
    std::string ones;
    for (int i = 0; i < count; ++i) ones += "K\x01";
    return PickleOf("ctorch\nSize\n(" + ones + "t\x85R");
  };
  EXPECT_THAT(Pickle::Parse(size(64)), IsOk());
  EXPECT_THAT(Pickle::Parse(size(65)), StatusIs(kInvalid, HasSubstr("calls torch.Size")));
}

TEST(Pickle, PersistentIdsAreStoragesOnly) {
  const auto id = [](const std::string& key, int64_t values, const std::string& type) {
    return PickleOf("(" + PickledText("storage") + type + PickledText(key) + PickledText("cpu") +
                    PickledInteger(values) + "tQ");
  };
  ASSERT_THAT(Pickle::Parse(id("0", 4, "ctorch\nFloatStorage\n")), IsOk());
  EXPECT_THAT(Pickle::Parse(id("../../etc/passwd", 4, "ctorch\nFloatStorage\n")),
              StatusIs(kInvalid, HasSubstr("storage key")));
  EXPECT_THAT(Pickle::Parse(id("", 4, "ctorch\nFloatStorage\n")), StatusIs(kInvalid));
  EXPECT_THAT(Pickle::Parse(id("0", -1, "ctorch\nFloatStorage\n")), StatusIs(kInvalid, HasSubstr("fewer")));
  EXPECT_THAT(Pickle::Parse(id("0", 4, "ctorch\nSize\n")), StatusIs(kInvalid, HasSubstr("no storage")));
  EXPECT_THAT(Pickle::Parse(PickleOf("K\x01Q")), StatusIs(kInvalid, HasSubstr("no storage")));
}

TEST(Pickle, NestingTakesNoStackAndMarksAreLimited) {
  const std::string tuples(900'000, '\x85'), marks(1'000'000, '(');
  EXPECT_THAT(Pickle::Parse(PickleOf("N" + tuples)), IsOk());
  EXPECT_THAT(Pickle::Parse(PickleOf(marks)), StatusIs(kInvalid, HasSubstr("nested deeper")));
}

// A list in itself, twice, and so on: nothing is copied, and nothing leaks (asan looks).
TEST(Pickle, BombsOfTheMemoStayAsSmallAsTheirBytes) {
  std::string bomb = "]q";
  bomb += '\0';
  for (int i = 1; i <= 40; ++i) {
    bomb += "](h" + std::string(1, static_cast<char>(i - 1)) + "h" +
            std::string(1, static_cast<char>(i - 1)) + "eq" + std::string(1, static_cast<char>(i));
  }
  const auto pickle = Pickle::Parse(PickleOf("0" + std::string()).substr(0, 2) + "(" + bomb + "t.");
  ASSERT_THAT(pickle, IsOk());
  EXPECT_EQ(pickle->root().items.back()->items.size(), 2U);
  const auto loop = Pickle::Parse(PickleOf(std::string("]q\0h\0a", 6)));
  ASSERT_THAT(loop, IsOk());
  EXPECT_EQ(loop->root().items[0], &loop->root());
  const std::string far = std::string("Nr\xFF\xFF\xFF\xFF", 6) + std::string("j\xFF\xFF\xFF\xFF\x86", 6);
  EXPECT_THAT(Pickle::Parse(PickleOf(far)), IsOk()) << "a high place costs no more than a low one";
  EXPECT_THAT(Pickle::Parse(PickleOf(std::string("h\x07", 2))),
              StatusIs(kInvalid, HasSubstr("memo place 7")));
}

TEST(Pickle, ValuesOperationsStringsAndBytesAreLimited) {
  EXPECT_THAT(Pickle::Parse(PickleOf("(" + std::string(1'000'001, 'N') + "t")),
              StatusIs(kInvalid, HasSubstr("values")));
  std::string recalls = std::string("Nq\0(", 4);
  for (int i = 0; i < 4'000'000; ++i) recalls += std::string("h\0", 2);
  EXPECT_THAT(Pickle::Parse(PickleOf(recalls + "t")), StatusIs(kInvalid, HasSubstr("operations")));
  EXPECT_THAT(Pickle::Parse(PickleOf(PickledText(std::string((1 << 20) + 1, 'x')))),
              StatusIs(kInvalid, HasSubstr("string of 1048577")));
  EXPECT_THAT(Pickle::Parse(std::string(Pickle::kMaxBytes + 1, 'N')),
              StatusIs(kInvalid, HasSubstr("at most")));
}

TEST(Pickle, LengthsBeyondTheEndAreRefusedWithoutAllocating) {
  EXPECT_THAT(Pickle::Parse(PickleOf(std::string("X\xFF\xFF\x0F\x00", 5))),
              StatusIs(kInvalid, HasSubstr("are left")));
  EXPECT_THAT(Pickle::Parse(PickleOf("\x8d\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")), StatusIs(kInvalid));
  EXPECT_THAT(Pickle::Parse(PickleOf("\x8a\xFF" + std::string(255, '\1'))),
              StatusIs(kInvalid, HasSubstr("64 bits")));
  EXPECT_THAT(Pickle::Parse(PickleOf("c" + std::string(5000, 'a'))),
              StatusIs(kInvalid, HasSubstr("does not end")));
}

TEST(Pickle, StackFaultsAreErrors) {
  for (const std::string value : {"", "\x85", "t", "u", "e", "s", "R", "b", "Q", "a", "(a", "((t", "NN",
                                  "K\x01"
                                  "K\x02s",
                                  "}(Nu", "\x93", "\x94", "]K\x01s",
                                  "}K\x01"
                                  "a"}) {
    EXPECT_THAT(Pickle::Parse(PickleOf(value)), StatusIs(kInvalid, HasSubstr("pickle, byte"))) << value;
  }
  EXPECT_THAT(Pickle::Parse(""), StatusIs(kInvalid));
  EXPECT_THAT(Pickle::Parse("\x80\x09N."), StatusIs(kInvalid, HasSubstr("protocol 9")));
}

TEST(Pickle, EveryTruncationIsRefused) {
  const auto whole = PickledStateDict(PickledTensor("0", 4, 0, PickledTuple({4}), PickledTuple({1})));
  ASSERT_THAT(Pickle::Parse(whole), IsOk());
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(Pickle::Parse(std::string_view(whole).substr(0, length)), StatusIs(kInvalid)) << length;
  }
}

TEST(Pickle, NoChangedByteCrashes) {
  const auto whole = PickledStateDict(PickledTensor("0", 4, 0, PickledTuple({4}), PickledTuple({1})));
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      auto changed = whole;
      changed[i] = static_cast<char>(value);
      if (const auto pickle = Pickle::Parse(changed); !pickle.ok()) {
        EXPECT_THAT(pickle, StatusIs(kInvalid));
      }
    }
  }
}

}  // namespace
}  // namespace mae
