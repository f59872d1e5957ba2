#include "data/known_datasets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace mae {
namespace {

TEST(KnownDatasets, NamesMatchWhateverTheirCaseAndDashes) {
  for (const char* name :
       {"fashion-mnist", "Fashion-MNIST", "fashion_mnist", "FashionMNIST", "fashion mnist"}) {
    const KnownDataset* known = FindKnownDataset(name);
    ASSERT_NE(known, nullptr) << name;
    EXPECT_EQ(known->name, "fashion-mnist");
  }
  EXPECT_EQ(FindKnownDataset("CIFAR-10")->name, "cifar10");
  EXPECT_EQ(FindKnownDataset("cifar_100")->name, "cifar100");
  EXPECT_EQ(FindKnownDataset("MNIST")->name, "mnist");
}

TEST(KnownDatasets, OtherNamesAreNotKnown) {
  for (const char* name : {"", "mnist2", "cifar", "cifar1000", "my-fashion-mnist", "mnist/"}) {
    EXPECT_EQ(FindKnownDataset(name), nullptr) << name;
  }
}

TEST(KnownDatasets, EachHasDistinctLabelsAndAMeanAChannel) {
  const struct {
    const char* name;
    size_t classes, channels;
  } kExpected[] = {{"mnist", 10, 1}, {"fashion-mnist", 10, 1}, {"cifar10", 10, 3}, {"cifar100", 100, 3}};
  for (const auto& expected : kExpected) {
    const KnownDataset* known = FindKnownDataset(expected.name);
    ASSERT_NE(known, nullptr);
    EXPECT_EQ(known->labels.size(), expected.classes) << expected.name;
    EXPECT_EQ(std::set<std::string>(known->labels.begin(), known->labels.end()).size(), expected.classes);
    EXPECT_EQ(known->mean.size(), expected.channels) << expected.name;
    EXPECT_EQ(known->std_dev.size(), expected.channels) << expected.name;
  }
}

TEST(KnownDatasets, TheFineLabelsOfCifar100AreInAlphabeticalOrder) {
  const std::vector<std::string>& labels = FindKnownDataset("cifar100")->labels;
  EXPECT_TRUE(std::is_sorted(labels.begin(), labels.end()));
}

}  // namespace
}  // namespace mae
