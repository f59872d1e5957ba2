// Our side of tools/bench-data: prints how many images a second lib/data's loader prepares in the epochs
// after the first.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "data/dataset.h"
#include "data/decoded_cache.h"
#include "data/loader.h"

namespace {

struct Asked {
  std::string data;
  int64_t size = 224, batch = 32, workers = 1, epochs = 1, cache_mib = 0;
};

bool Parse(int argc, char** argv, Asked& asked, int& code) {
  CLI::App app("Prepares batches of a dataset and throws them away.", "data_load");
  app.add_option("--data", asked.data, "Folder of the dataset")->required();
  app.add_option("--size", asked.size, "Pixels a side of what is made")->check(CLI::Range(1, 4096));
  app.add_option("--batch", asked.batch)->check(CLI::Range(1, 65536));
  app.add_option("--workers", asked.workers)->check(CLI::Range(1, 64));
  app.add_option("--epochs", asked.epochs, "How many are measured")->check(CLI::Range(1, 1000));
  app.add_option("--cache-mib", asked.cache_mib, "data.cache_decoded_mib")->check(CLI::Range(0, 1 << 20));
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    code = app.exit(error) == 0 ? 0 : 2;
    return false;
  }
}

mae::LoaderOptions OptionsOf(const Asked& asked, int64_t channels) {
  mae::LoaderOptions options;
  options.batch_size = asked.batch;
  options.workers = asked.workers;
  options.mean.assign(static_cast<size_t>(channels), 0.5);
  options.std_dev.assign(static_cast<size_t>(channels), 0.25);
  options.transform.training = true;
  options.transform.height = options.transform.width = asked.size;
  options.transform.augmentation.horizontal_flip = true;
  options.transform.augmentation.random_resized_crop.emplace();
  return options;
}

int64_t RunEpoch(mae::Loader& loader, int64_t epoch) {
  int64_t images = 0;
  loader.StartEpoch(epoch);
  while (const auto batch = loader.Next()) images += batch->images.size(0);
  return images;
}

}  // namespace

int main(int argc, char** argv) {
  Asked asked;
  int code = 0;
  if (!Parse(argc, argv, asked, code)) return code;
  auto dataset = mae::LoadDataset("bench", asked.data, 0, 0);
  if (!dataset.ok()) {
    std::cerr << "data_load: " << dataset.status().message() << std::endl;
    return 1;
  }
  if (asked.cache_mib > 0)
    dataset->train.decoded = std::make_shared<mae::DecodedCache>(asked.cache_mib << 20);
  mae::Loader loader(dataset->train, OptionsOf(asked, dataset->train.channels));
  RunEpoch(loader, 0);
  const auto begin = std::chrono::steady_clock::now();
  int64_t images = 0;
  for (int64_t epoch = 1; epoch <= asked.epochs; ++epoch) images += RunEpoch(loader, epoch);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("  images/s %.1f\n", static_cast<double>(images) / took.count());
  return 0;
}
