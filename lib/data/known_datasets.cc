#include "data/known_datasets.h"

#include "absl/strings/ascii.h"

namespace mae {
namespace {

KnownDataset Mnist() {
  return {"mnist", "idx", {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, {0.1307}, {0.3081}};
}

KnownDataset FashionMnist() {
  return {"fashion-mnist",
          "idx",
          {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
           "Ankle boot"},
          {0.2860},
          {0.3530}};
}

KnownDataset Cifar10() {
  return {"cifar10",
          "cifar10",
          {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
          {0.4914, 0.4822, 0.4465},
          {0.2470, 0.2435, 0.2616}};
}

KnownDataset Cifar100() {
  return {"cifar100",
          "cifar100",
          {"apple",       "aquarium_fish", "baby",      "bear",       "beaver",       "bed",
           "bee",         "beetle",        "bicycle",   "bottle",     "bowl",         "boy",
           "bridge",      "bus",           "butterfly", "camel",      "can",          "castle",
           "caterpillar", "cattle",        "chair",     "chimpanzee", "clock",        "cloud",
           "cockroach",   "couch",         "crab",      "crocodile",  "cup",          "dinosaur",
           "dolphin",     "elephant",      "flatfish",  "forest",     "fox",          "girl",
           "hamster",     "house",         "kangaroo",  "keyboard",   "lamp",         "lawn_mower",
           "leopard",     "lion",          "lizard",    "lobster",    "man",          "maple_tree",
           "motorcycle",  "mountain",      "mouse",     "mushroom",   "oak_tree",     "orange",
           "orchid",      "otter",         "palm_tree", "pear",       "pickup_truck", "pine_tree",
           "plain",       "plate",         "poppy",     "porcupine",  "possum",       "rabbit",
           "raccoon",     "ray",           "road",      "rocket",     "rose",         "sea",
           "seal",        "shark",         "shrew",     "skunk",      "skyscraper",   "snail",
           "snake",       "spider",        "squirrel",  "streetcar",  "sunflower",    "sweet_pepper",
           "table",       "tank",          "telephone", "television", "tiger",        "tractor",
           "train",       "trout",         "tulip",     "turtle",     "wardrobe",     "whale",
           "willow_tree", "wolf",          "woman",     "worm"},
          {0.5071, 0.4865, 0.4409},
          {0.2673, 0.2564, 0.2762}};
}

// Letters and digits alone, lower case.
std::string Simplified(std::string_view name) {
  std::string simple;
  for (const unsigned char c : name) {
    if (c != '-' && c != '_' && c != ' ') simple.push_back(absl::ascii_tolower(c));
  }
  return simple;
}

}  // namespace

const KnownDataset* FindKnownDataset(std::string_view name) {
  static const auto* const known =
      new std::vector<KnownDataset>{Mnist(), FashionMnist(), Cifar10(), Cifar100()};
  for (const KnownDataset& dataset : *known) {
    if (Simplified(dataset.name) == Simplified(name)) return &dataset;
  }
  return nullptr;
}

}  // namespace mae
