#include "server/inference_inputs.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/server/serving_fixture.h"

namespace mae {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kModule[] = "libmae_image_files.so";

fs::path Program() { return fs::read_symlink("/proc/self/exe"); }

// In a folder that lacks the module, has the picture, and says where the module is.
TEST(WithoutImageFiles, DISABLED_NoPictureIsBlamedAndTheModuleIsTakenWhenItComes) {
  const fs::path folder = Program().parent_path();
  const auto png = ReadFile(folder / "picture.png", 1 << 20);
  ASSERT_THAT(png, IsOk());
  EXPECT_THAT(Decode({*png, "images[0]"}, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("can't load")));
  fs::create_symlink(fs::read_symlink(folder / "module"), folder / kModule);
  EXPECT_THAT(Decode({*png, "images[0]"}, {}), IsOk());
}

// A copy of this program is one whose modules are not beside it.
TEST(InferenceInputs, WhereTheImageModuleIsMissingNoPictureIsBlamedAndItIsTakenWhenItComes) {
  const TempFolder folder;
  fs::copy_file(Program(), folder / "copy");
  fs::create_symlink(Program().parent_path() / kModule, folder / "module");
  ASSERT_THAT(WriteFileDurably(folder / "picture.png", PngImage(8, 12, 3).encoded()), IsOk());
  const std::string command = (folder / "copy").string() +
                              " --gtest_filter='WithoutImageFiles.*' --gtest_also_run_disabled_tests"
                              " > '" +
                              (folder / "told").string() + "' 2>&1";
  const int ended = std::system(command.c_str());
  const auto told = ReadFile(folder / "told", 1 << 20);
  EXPECT_EQ(ended, 0) << *told;
  EXPECT_THAT(*told, HasSubstr("[  PASSED  ] 1 test."));
}

TEST(InferenceInputs, APictureThatIsDamagedIsNamed) {
  const std::string png = PngImage(8, 12, 3).encoded();
  EXPECT_THAT(Decode({png.substr(0, 50), "images[3]"}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("images[3]: ")));
}

}  // namespace
}  // namespace mae
