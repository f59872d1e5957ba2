#include "server/transfer_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

TEST(TransferFolder, IsItsOwnAndGoesWithAllInIt) {
  const TempFolder root;
  std::filesystem::path first_path;
  {
    auto first = TransferFolder::Make(root / "transfers");
    auto second = TransferFolder::Make(root / "transfers");
    ASSERT_THAT(first, IsOk());
    ASSERT_THAT(second, IsOk());
    EXPECT_NE(first->path(), second->path());
    first_path = first->path();
    std::ofstream(*first / "a") << "x";
    TransferFolder moved = *std::move(first);
    EXPECT_TRUE(std::filesystem::exists(first_path / "a"));
  }
  EXPECT_FALSE(std::filesystem::exists(first_path));
}

}  // namespace
}  // namespace mae
