#include "tests/fuzz/resolved_spec.h"

#include <google/protobuf/util/message_differencer.h>

#include "recipe/recipe_check.h"
#include "recipe/recipe_json.h"
#include "recipe/recipe_proto.h"
#include "recipe/recipe_yaml.h"
#include "tests/fuzz/fuzz_target.h"

namespace mae {
namespace {

using google::protobuf::util::MessageDifferencer;

ModelConfig PretrainedModel() {
  MaskedAutoencoderOptions model;
  return {model, {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}, {}};
}

std::vector<RecipeContext> Surroundings() {
  DatasetInfo small;
  small.name = "mine";
  small.format = "cifar10";
  small.path = "/data/mine";
  small.train_images = 100;
  small.validation_images = 10;
  small.channels = 3;
  small.height = small.width = 32;
  small.labels = {"cat", "dog"};
  small.mean = {0.5, 0.5, 0.5};
  small.std_dev = {0.25, 0.25, 0.25};
  DatasetInfo odd = small;
  odd.channels = 1;
  odd.height = 27;
  odd.train_images = 1;
  odd.encoded = true;
  odd.mean = odd.std_dev = {0.5};
  return {{small, std::nullopt}, {small, PretrainedModel()}, {odd, PretrainedModel()}};
}

void CheckOptions(const v1::JobSpec& resolved) {
  const auto options = OptionsFromSpec(resolved);
  FUZZ_REQUIRE(options.ok());
  FUZZ_REQUIRE(MessageDifferencer::Equals(SpecFromOptions(*options), resolved));
  const auto again = JobOptionsFromJson(JobOptionsToJson(*options));
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(MessageDifferencer::Equals(SpecFromOptions(*again), resolved));
}

}  // namespace

void CheckYamlRoundTrip(const v1::JobSpec& spec) {
  const auto again = ParseRecipe(RecipeToYaml(spec));
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(MessageDifferencer::Equals(*again, spec));
}

void CheckResolves(const v1::JobSpec& spec) {
  static const auto* const surroundings = new std::vector<RecipeContext>(Surroundings());
  for (const RecipeContext& context : *surroundings) {
    v1::JobSpec resolved = spec;
    if (const auto violations = ResolveSpec(context, resolved); !violations.empty()) {
      FUZZ_REQUIRE(absl::IsInvalidArgument(ViolationsToStatus(violations)));
      continue;
    }
    v1::JobSpec twice = resolved;
    FUZZ_REQUIRE(ResolveSpec(context, twice).empty());
    FUZZ_REQUIRE(MessageDifferencer::Equals(twice, resolved));
    CheckOptions(resolved);
    CheckYamlRoundTrip(resolved);
  }
}

}  // namespace mae
