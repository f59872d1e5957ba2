#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace mae {
namespace {

TEST(Utf8, TakesTheFirstAndLastCharacterOfEveryLength) {
  for (const std::string& text :
       {std::string(), std::string("\0a", 2), std::string("\x7f"), std::string("\xc2\x80"),
        std::string("\xdf\xbf"), std::string("\xe0\xa0\x80"), std::string("\xed\x9f\xbf"),
        std::string("\xee\x80\x80"), std::string("\xef\xbf\xbf"), std::string("\xf0\x90\x80\x80"),
        std::string("\xf4\x8f\xbf\xbf"), std::string("gr\xc3\xbc\xc3\x9f")}) {
    EXPECT_TRUE(IsUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(Utf8, RefusesWhatNoCharacterIsWrittenAs) {
  for (const std::string text :
       {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xc3(", "\xe2\x82(", "a\xff"}) {
    EXPECT_FALSE(IsUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(Utf8, RefusesACharacterThatIsCutOff) {
  for (const std::string text : {"\xc3", "\xe2\x82", "\xf0\x90\x80", "a\xe2"})
    EXPECT_FALSE(IsUtf8(text)) << text;
}

}  // namespace
}  // namespace mae
