#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/layout/include_rules.h"

/// Holds every #include line of the project against the arrows of docs/architecture.md.
namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The arrows. All may use base (options too) and options; a folder below sees nothing of one above it.
const std::map<std::string, FolderRule>& Arrows() {
  static const std::map<std::string, FolderRule> arrows = {
      // Without LibTorch.
      {"base", {}},
      {"options", {}},
      {"job", {}},
      {"image", {}},
      {"augment", {{"image"}}},
      {"kernels", {}},
      {"recipe", {{"data/dataset.h"}}},
      {"server",
       {{"serving", "interop/import_options.h", "interop/model_export.h", "interop/model_import.h", "job",
         "recipe", "image", "runtime/device.h", "runtime/wait_policy.h", "data/dataset.h",
         "data/dataset_path.h", "data/encoded_images.h", "data/image_picture.h"}}},
      {"client",
       {{"recipe", "image", "data/byte_source.h", "data/dataset.h", "data/dataset_path.h",
         "data/tar_archive.h"}}},
      // With LibTorch.
      {"runtime", {{"kernels/cpu_features.h"}}},
      {"nn", {{"kernels", "runtime"}}},
      {"models", {{"nn", "runtime"}}},
      {"data", {{"image", "augment", "runtime"}}},
      {"optim", {{"kernels", "runtime"}}},
      {"checkpoint", {{"runtime"}}},
      {"train",
       {{"models", "nn/init.h", "nn/position_embedding.h", "data", "augment", "image", "optim", "checkpoint",
         "job", "runtime"}}},
      {"serving",
       {{"image"},
        {"augment/center_crop.h", "kernels/cpu_features.h", "models", "nn/packed_blocks.h", "checkpoint",
         "runtime"}}},
      {"interop",
       {{"checkpoint/safetensors.h"}, {"checkpoint", "models", "nn", "runtime", "serving/config_check.h"}}},
      {"trainer", {{"train", "recipe", "job", "data", "runtime"}}},
  };
  return arrows;
}

const SourceTree& Project() {
  static const SourceTree tree = SourceTree::OfProject();
  return tree;
}

std::vector<std::string> FilesThatSee(bool (*is_seen)(const std::string&),
                                      const std::set<std::string>& folders) {
  std::vector<std::string> found;
  for (const auto& [path, file] : Project().files()) {
    if (!folders.contains(file.folder())) continue;
    const std::set<std::string> seen = Project().Closure(file);
    if (std::any_of(seen.begin(), seen.end(), is_seen)) found.push_back(path);
  }
  return found;
}

TEST(Project, EveryIncludeFollowsTheArrows) { EXPECT_THAT(ForbiddenArrows(Project(), Arrows()), IsEmpty()); }

TEST(Project, HasNoIncludeCycle) { EXPECT_EQ(IncludeCycle(Project()), ""); }

TEST(Project, NoFileSeesTorchAndProtobuf) { EXPECT_THAT(FilesThatSeeTorchAndProtobuf(Project()), IsEmpty()); }

TEST(Project, TheTorchFreeSideSeesNoTorch) {
  EXPECT_THAT(FilesThatSee(&IsTorchHeader, {"base", "options", "job", "image", "augment", "kernels", "recipe",
                                            "server", "client"}),
              IsEmpty());
}

TEST(Project, OnlyRecipeServerAndClientSeeProtobuf) {
  std::set<std::string> others;
  for (const auto& [folder, rule] : Arrows()) others.insert(folder);
  for (const char* folder : {"recipe", "server", "client"}) others.erase(folder);
  EXPECT_THAT(FilesThatSee(&IsProtobufHeader, others), IsEmpty());
}

TEST(Project, ServingShowsNoTorchInItsHeaders) {
  for (const auto& [path, file] : Project().files()) {
    if (file.folder() != "serving" || !file.is_header() || !path.starts_with("lib/")) continue;
    const std::set<std::string> seen = Project().Closure(file);
    EXPECT_TRUE(std::none_of(seen.begin(), seen.end(), IsTorchHeader)) << path;
  }
}

// The rules themselves, on trees that break them.

SourceFile File(const std::string& path, const std::vector<std::string>& includes) {
  SourceFile file{path, "", {}};
  int line = 0;
  for (const std::string& name : includes) file.includes.push_back({name, ++line});
  return file;
}

TEST(IncludeRules, ReadsEveryFormOfIncludeLine) {
  const auto includes =
      ParseIncludes("#pragma once\n#include <a/b.h>\n // #include \"no.h\"\n # include \"c.h\"  // x\n");
  ASSERT_EQ(includes.size(), 2U);
  EXPECT_EQ(includes[0].name, "a/b.h");
  EXPECT_EQ(includes[0].line, 2);
  EXPECT_EQ(includes[1].name, "c.h");
  EXPECT_EQ(includes[1].line, 4);
}

TEST(IncludeRules, AnArrowThatIsNotListedIsWrong) {
  const SourceTree tree(
      {File("lib/nn/a.h", {"base/b.h", "models/m.h", "vector"}), File("lib/base/b.h", {"options/o.h"}),
       File("lib/options/o.h", {"base/b.h"}), File("lib/models/m.h", {"nn/a.h", "options/o.h"}),
       File("server/main.cc", {"server/s.h"}), File("server/s.h", {}), File("lib/odd/o.h", {})});
  EXPECT_THAT(ForbiddenArrows(
                  tree, {{"nn", {}}, {"base", {}}, {"options", {}}, {"models", {{"nn"}}}, {"server", {}}}),
              ElementsAre("lib/base/b.h:1: may not include options/o.h",
                          "lib/nn/a.h:2: may not include models/m.h", "lib/odd/o.h: its folder has no rule"));
}

TEST(IncludeRules, AnArrowMayBeOneFileOrForSourcesOnly) {
  const SourceTree tree({File("lib/serving/s.h", {"models/m.h"}), File("lib/serving/s.cc", {"models/m.h"}),
                         File("lib/models/m.h", {}), File("lib/data/dataset.h", {}),
                         File("lib/data/loader.h", {}),
                         File("server/a.cc", {"data/dataset.h", "data/loader.h"})});
  const std::map<std::string, FolderRule> rules = {
      {"serving", {{}, {"models"}}}, {"models", {}}, {"data", {}}, {"server", {{"data/dataset.h"}}}};
  EXPECT_THAT(ForbiddenArrows(tree, rules), ElementsAre("lib/serving/s.h:1: may not include models/m.h",
                                                        "server/a.cc:2: may not include data/loader.h"));
}

TEST(IncludeRules, ACycleIsNamed) {
  const SourceTree tree(
      {File("lib/nn/a.h", {"nn/b.h"}), File("lib/nn/b.h", {"nn/c.h"}), File("lib/nn/c.h", {"nn/b.h"})});
  EXPECT_EQ(IncludeCycle(tree), "lib/nn/b.h -> lib/nn/c.h -> lib/nn/b.h");
  EXPECT_EQ(IncludeCycle(SourceTree({File("lib/nn/a.h", {"nn/b.h"}), File("lib/nn/b.h", {})})), "");
}

TEST(IncludeRules, TorchAndProtobufAreFoundThroughHeaders) {
  const SourceTree tree({File("lib/nn/a.h", {"torch/torch.h"}), File("lib/nn/b.h", {"nn/a.h"}),
                         File("lib/recipe/r.h", {"mae/v1/job.pb.h"}),
                         File("server/x.cc", {"nn/b.h", "recipe/r.h"}), File("server/y.cc", {"recipe/r.h"})});
  EXPECT_THAT(FilesThatSeeTorchAndProtobuf(tree), ElementsAre("server/x.cc"));
}

}  // namespace
}  // namespace mae
