#include "client/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mae/v1/job.pb.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::HasSubstr;

TEST(Output, JsonHasProtoNamesAndDefaultValues) {
  v1::Job job;
  job.set_name("jobs/x");
  job.set_state(v1::Job::RUNNING);
  const auto json = ToJson(job);
  ASSERT_THAT(json, IsOk());
  EXPECT_THAT(*json, HasSubstr("\"published_version\": \"\""));
  EXPECT_THAT(*json, HasSubstr("\"state\": \"RUNNING\""));
  EXPECT_THAT(*json, HasSubstr("\"last_sequence\": \"0\""));
  const auto line = ToJsonLine(job);
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->find('\n'), line->size() - 1);
}

TEST(Output, YamlKeepsOrderTypesAndWords) {
  const auto yaml = JsonToYaml(R"({"z": "no", "a": "12", "f": 1.5, "t": true, "text": "a: b", "list": [1, 2],
                                   "rows": [{"x": null}], "none": []})");
  ASSERT_THAT(yaml, IsOk());
  EXPECT_EQ(
      *yaml,
      "z: \"no\"\na: \"12\"\nf: 1.5\nt: true\ntext: \"a: b\"\nlist: [1, 2]\nrows:\n  - x: ~\nnone: []\n");
}

}  // namespace
}  // namespace mae
