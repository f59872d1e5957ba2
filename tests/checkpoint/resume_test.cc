#include <gtest/gtest.h>

#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/model_folder.h"
#include "models/masked_autoencoder.h"
#include "optim/adamw.h"
#include "tests/checkpoint/keep_last.h"
#include "tests/checkpoint/sample_checkpoint.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

// A model in training, as a process would hold it.
struct TrainingRun {
  explicit TrainingRun(int64_t seed) : model(nullptr) {
    torch::manual_seed(static_cast<uint64_t>(seed));
    MaskedAutoencoderOptions options;
    options.encoder.image_height = options.encoder.image_width = 8;
    options.encoder.embed_dim = 16;
    options.encoder.depth = 2;
    options.encoder.num_heads = 2;
    options.decoder = {8, 1, 2};
    model = MaskedAutoencoder(options);
    adamw = std::make_unique<AdamW>(MakeParamGroups(*model, {}, TrainingKind::kPretrain), OptimizerOptions());
  }

  // Steps from..to, each on a batch that depends on its number alone.
  void Train(int64_t from, int64_t to) {
    for (int64_t step = from; step < to; ++step) {
      auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(step));
      const auto images = torch::rand({4, 3, 8, 8}, generator);
      const auto mask = MaskFromNoise(torch::rand({4, 4}, generator), 0.5);
      model->forward(images, mask).loss.backward();
      adamw->Step(1e-3 * static_cast<double>(step + 1));
      adamw->ZeroGrad();
    }
  }

  MaskedAutoencoder model;
  std::unique_ptr<AdamW> adamw;
};

TEST(Resume, FiveStepsACheckpointAndFiveMoreAreTenStepsBitForBit) {
  const TempFolder folder;
  TrainingRun straight(1);
  straight.Train(0, 10);

  {
    TrainingRun first(1);
    first.Train(0, 5);
    auto writer = CheckpointWriter::Create(folder.path(), KeepLast(1), 0);
    ASSERT_THAT(writer, IsOk());
    TrainingProgress progress;
    progress.step = 5;
    ASSERT_THAT(writer->Stage({StateOf(*first.model), first.adamw->State(), progress}), IsOk());
    ASSERT_THAT(writer->Commit(5), IsOk());
  }
  const auto latest = ReadLatestCheckpoint(folder.path());
  ASSERT_THAT(latest, IsOk());
  TrainingRun second(2);  // other weights, to be overwritten
  ASSERT_THAT(LoadState(latest->checkpoint.model, *second.model), IsOk());
  ASSERT_THAT(second.adamw->LoadState(latest->checkpoint.optimizer), IsOk());
  second.Train(latest->checkpoint.progress.step, 10);

  EXPECT_TRUE(SameTensors(StateOf(*straight.model), StateOf(*second.model)));
  EXPECT_TRUE(SameTensors(straight.adamw->State(), second.adamw->State()));
}

}  // namespace
}  // namespace mae
