#include "base/log_lines.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace mae {
namespace {

class LogLinesTest : public testing::Test {
 protected:
  LogLinesTest() : logger_("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)) {
    logger_.set_formatter(MakeJsonLogFormatter("mae_test", {{"job", "jobs/a"}}));
  }
  nlohmann::json Line() {
    logger_.flush();
    const std::string text = out_.str();
    out_.str("");
    EXPECT_EQ(text.find('\n'), text.size() - 1) << "one line: " << text;
    return nlohmann::json::parse(text);
  }

  std::ostringstream out_;
  spdlog::logger logger_;
};

TEST_F(LogLinesTest, ALineIsAnObjectWhateverItsTextIs) {
  logger_.warn("say \"hello\"\nand more \xff");
  const auto line = Line();
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["program"], "mae_test");
  EXPECT_EQ(line["job"], "jobs/a");
  EXPECT_EQ(line["message"], "say \"hello\"\nand more \xef\xbf\xbd");
  EXPECT_EQ(line["time"].get<std::string>().size(), std::string("2026-01-31T23:59:59.123Z").size());
}

TEST(LogLineText, IsWhatTheLineSaysInEitherLook) {
  EXPECT_EQ(LogLineText(R"({"level":"info","message":"a \"b\""})"), "a \"b\"");
  for (const char* text : {"", "plain {text}", "{\"message\": 3}", "[1]", "{}", "{\"message\": \"cut of"})
    EXPECT_EQ(LogLineText(text), text);
}

TEST_F(LogLinesTest, AScopeGivesItsFieldsToTheLinesInIt) {
  {
    const LogScope outer{{"request_id", "r1"}};
    {
      const LogScope inner{{"code", "OK"}};
      logger_.info("x");
      const auto line = Line();
      EXPECT_EQ(line["request_id"], "r1");
      EXPECT_EQ(line["code"], "OK");
    }
    logger_.info("x");
    EXPECT_FALSE(Line().contains("code"));
  }
  logger_.info("x");
  EXPECT_FALSE(Line().contains("request_id"));
}

}  // namespace
}  // namespace mae
