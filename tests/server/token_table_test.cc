#include "server/token_table.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const absl::Time kToday = absl::FromUnixSeconds(1'800'000'000);

std::string EntryOf(const std::string& name, const std::string& role, const std::string& token) {
  return absl::StrCat("- {name: ", name, ", role: ", role, ", sha256: ", Sha256Hex(token), "}\n");
}

TEST(TokenTable, TellsWhoseTokenItIs) {
  const auto table = TokenTable::Parse(
      EntryOf("ann", "viewer", "a") + EntryOf("ann", "viewer", "b") + EntryOf("bob", "admin", "c"), "t");
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->Find("a", kToday)->identity, "ann");
  EXPECT_EQ(table->Find("b", kToday)->identity, "ann") << "several at once";
  EXPECT_EQ(table->Find("c", kToday)->role, Role::kAdmin);
  for (const std::string& none : {std::string("d"), std::string(), std::string(1000, 'a'), Sha256Hex("a")})
    EXPECT_FALSE(table->Find(none, kToday).has_value()) << none;
}

TEST(TokenTable, AnEmptyListThatIsWrittenOutIsNobody) {
  const auto table = TokenTable::Parse("[]\n", "t");
  ASSERT_THAT(table, IsOk());
  EXPECT_TRUE(table->entries().empty());
  EXPECT_FALSE(table->Find("a", kToday).has_value());
}

TEST(TokenTable, ATokenEndsWhenItsEntrySaysSo) {
  const auto made = MakeToken("ann", "viewer", kToday);
  ASSERT_THAT(made, IsOk());
  const auto table = TokenTable::Parse(made->entry, "t");
  ASSERT_THAT(table, IsOk());
  EXPECT_TRUE(table->Find(made->token, kToday - absl::Seconds(1)).has_value());
  EXPECT_FALSE(table->Find(made->token, kToday).has_value());
}

TEST(TokenTable, AMadeTokenIsLongAndInItsEntryByItsHashAlone) {
  const auto made = MakeToken("ann", "viewer", absl::InfiniteFuture()),
             other = MakeToken("ann", "viewer", kToday);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->token.size(), 4U + 43U);
  EXPECT_NE(made->token, other->token);
  EXPECT_THAT(made->entry, AllOf(Not(HasSubstr(made->token)), Not(HasSubstr("expires"))));
  EXPECT_TRUE(TokenTable::Parse(made->entry, "t")->Find(made->token, kToday).has_value());
}

TEST(TokenTable, AFaultyFileIsToldWithLineAndKey) {
  const std::string good = EntryOf("ann", "viewer", "a");
  const auto parse = [](const std::string& yaml) { return TokenTable::Parse(yaml, "tokens.yaml").status(); };
  const auto told = [](const char* words) {
    return StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("tokens.yaml"), HasSubstr(words)));
  };
  EXPECT_THAT(parse(""), told("list"));
  EXPECT_THAT(parse("# nobody"), told("list"));
  EXPECT_THAT(parse("{a: b}"), told("list"));
  EXPECT_THAT(parse("- [}"), told("line 1"));
  EXPECT_THAT(parse(good + "- ann"), told("line 2"));
  EXPECT_THAT(parse(good + "- {name: bob, role: viewer}"), told("line 2: sha256: is missing"));
  EXPECT_THAT(parse(absl::StrReplaceAll(good, {{"viewer", "root"}})), told("role: 'root'"));
  EXPECT_THAT(parse(absl::StrReplaceAll(good, {{"ann", "A B"}})), told("name"));
  EXPECT_THAT(parse("- {name: a, role: viewer, sha256: abc}"), told("sha256"));
  EXPECT_THAT(parse(absl::StrReplaceAll(good, {{"}", ", expires: tomorrow}"}})), told("expires: 'tomorrow'"));
  EXPECT_THAT(parse(absl::StrReplaceAll(good, {{"}", ", expire: x}"}})), told("expire: is unknown"));
  EXPECT_THAT(parse(good + good), told("line 2: sha256: is that of an entry before"));
  EXPECT_THAT(parse(good + EntryOf("ann", "admin", "b")), told("line 2: role"));
}

}  // namespace
}  // namespace mae
