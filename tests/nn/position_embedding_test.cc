#include "nn/position_embedding.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "checkpoint/safetensors.h"

namespace mae {
namespace {

// Made by tools/make-finetune-references.
std::map<std::string, torch::Tensor> ReferenceEmbeddings() {
  const auto file = ReadSafetensors(std::string(std::getenv("MAE_SOURCE_DIR")) +
                                    "/tests/nn/reference/position_embedding.safetensors");
  return {file.value().tensors.begin(), file.value().tensors.end()};
}

TEST(ResamplePositionEmbedding, EqualsTheReferencesOnSquareAndRectangularGrids) {
  const auto references = ReferenceEmbeddings();
  int compared = 0;
  for (const auto& [name, expected] : references) {
    long rows = 0, cols = 0, new_rows = 0, new_cols = 0;
    char kind[16] = "";
    if (std::sscanf(name.c_str(), "%ldx%ld/%15[a-z]/%ldx%ld", &rows, &cols, kind, &new_rows, &new_cols) != 5)
      continue;
    const auto& source = references.at(name.substr(0, name.find('/')));
    const auto result =
        ResamplePositionEmbedding(source, rows, cols, new_rows, new_cols, std::string(kind) == "antialiased");
    ASSERT_EQ(result.sizes(), expected.sizes()) << name;
    EXPECT_LT((result - expected).abs().max().item<double>(), 1e-5) << name;
    EXPECT_TRUE(result[0][0].equal(source[0][0])) << "the class token's row stays";
    ++compared;
  }
  EXPECT_EQ(compared, 2 * (3 + 2));
}

TEST(ResamplePositionEmbedding, BothWaysDifferAlsoWhereTheGridGrows) {
  const auto source = ReferenceEmbeddings().at("7x7");
  EXPECT_FALSE(ResamplePositionEmbedding(source, 7, 7, 8, 8, true)
                   .allclose(ResamplePositionEmbedding(source, 7, 7, 8, 8, false), 1e-3, 1e-3));
}

TEST(ResamplePositionEmbedding, TheSameGridIsUnchangedAndHalvesBecomeFloat32) {
  const auto source = ReferenceEmbeddings().at("4x6").to(torch::kBFloat16);
  EXPECT_TRUE(ResamplePositionEmbedding(source, 4, 6, 4, 6, false).equal(source.to(torch::kFloat32)));
  EXPECT_EQ(ResamplePositionEmbedding(source, 4, 6, 5, 5, false).scalar_type(), torch::kFloat32);
}

TEST(ResamplePositionEmbedding, RefusesAGridThatIsNotTheEmbeddings) {
  EXPECT_THROW(ResamplePositionEmbedding(torch::zeros({1, 50, 8}), 7, 6, 8, 8, false), c10::Error);
}

}  // namespace
}  // namespace mae
