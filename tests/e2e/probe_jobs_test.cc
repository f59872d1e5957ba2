// The kinds of job that look at a model that is there: linear probe, k-NN probe, evaluation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/test_server.h"
#include "tests/fakes/dataset_files.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ProbeJobs, ProbesAndEvaluationsOfAPretrainedModelReportOrPublish) {
  TestServer server;
  WriteShapes(server);
  server.Start();
  auto pretrain = SmallPretrain(4);
  pretrain.insert(pretrain.end(), {"--model", "shapes-mae"});
  server.AwaitState(server.StartJob(pretrain), v1::Job::SUCCEEDED);

  const auto probe = server.Client({"start-linear-probe", "--recipe", "fashion-mnist-linear-probe",
                                    "--dataset", "shapes", "--from", "shapes-mae", "--model", "shapes-probe",
                                    "--set", "data.batch_size=32", "--watch"});
  ASSERT_EQ(probe.exit_code, 0) << probe.err;
  EXPECT_THAT(probe.out, testing::StartsWith("jobs/linear-probe-"));
  EXPECT_THAT(probe.err, HasSubstr("published models/shapes-probe/versions/1"));

  const auto knn = server.Client({"start-knn-probe", "--dataset", "shapes", "--from", "shapes-mae@latest",
                                  "--set", "knn_probe.neighbors=5", "--watch"});
  ASSERT_EQ(knn.exit_code, 0) << knn.err;
  EXPECT_THAT(knn.err, HasSubstr("\naccuracy  "));
  EXPECT_THAT(knn.err, Not(HasSubstr("published")));

  const auto evaluate =
      server.Client({"start-evaluate", "--dataset", "shapes", "--from", "shapes-probe", "--watch"});
  ASSERT_EQ(evaluate.exit_code, 0) << evaluate.err;
  EXPECT_THAT(evaluate.err, HasSubstr("\naccuracy of 3  "));
  EXPECT_THAT(evaluate.err, HasSubstr("confusion matrix"));

  const auto autoencoder =
      server.Client({"start-evaluate", "--dataset", "shapes", "--from", "shapes-mae", "--watch"});
  ASSERT_EQ(autoencoder.exit_code, 0) << autoencoder.err;
  EXPECT_THAT(autoencoder.err, HasSubstr("\nvalidation_loss  "));

  const auto images = server.root() / "images";
  ASSERT_EQ(server.Client({"get-dataset", "shapes", "--images", "4", "--out", images.string()}).exit_code, 0);
  const auto classes = server.Client({"classify", "--model", "shapes-probe", "-o", "json", images.string()});
  EXPECT_EQ(classes.exit_code, 0) << classes.err;
  EXPECT_THAT(classes.out, HasSubstr("probability"));
  EXPECT_EQ(server.Stop(), 0);
}

TEST(ProbeJobs, AnAliasMovesOnlyToAModelWithABetterValidationLoss) {
  TestServer server;
  WriteShapes(server);
  server.Start();
  const auto train = [&](int epochs) {
    auto arguments = SmallPretrain(epochs);
    arguments.insert(arguments.end(),
                     {"--set", "publish={model: m, aliases: [prod], only_if_better: validation_loss}"});
    return server.AwaitEnd(server.StartJob(arguments));
  };
  const auto first = train(1), better = train(3), worse = train(1);
  EXPECT_TRUE(first.alias_moves(0).moved()) << first.DebugString();
  EXPECT_TRUE(better.alias_moves(0).moved()) << better.DebugString();
  EXPECT_FALSE(worse.alias_moves(0).moved()) << worse.DebugString();
  EXPECT_THAT(server.Client({"get-job", worse.name()}).out, HasSubstr("prod stays: validation_loss "));
  const auto model = server.Client({"get-model", "m@prod"});
  EXPECT_THAT(model.out, HasSubstr("models/m/versions/2")) << model.err;
  EXPECT_EQ(server.Stop(), 0);
}

TEST(ProbeJobs, WhatCanNotBeProbedIsRefusedByItsField) {
  TestServer server;
  WriteShapes(server);
  server.Start();
  const auto nothing = server.Client({"start-knn-probe", "--dataset", "shapes"});
  EXPECT_NE(nothing.exit_code, 0);
  EXPECT_THAT(nothing.err, HasSubstr("from"));
  const auto nowhere = server.Client({"start-evaluate", "--dataset", "shapes", "--from", "nowhere"});
  EXPECT_EQ(nowhere.exit_code, 3) << nowhere.err;
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace mae
