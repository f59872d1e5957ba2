#include "server/image_decoders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "image/codec.h"
#include "image/picture_mat.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kManyPixels = 1 << 24;

Picture Gradient(int64_t height, int64_t width, int64_t channels) {
  Picture picture{height, width, channels, {}};
  for (int64_t i = 0; i < height * width * channels; ++i)
    picture.pixels.push_back(static_cast<uint8_t>(i * 7 + i / 251));
  return picture;
}

auto IsDamaged(const std::string& how) {
  return StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("is damaged"), HasSubstr(how)));
}

// DecodePicture by processes apart, of the real program or of one that misbehaves.
class ImageDecodersTest : public testing::Test {
 protected:
  ~ImageDecodersTest() override { SetDecoderApart(nullptr); }

  void Use(ImageDecoders::Settings settings) {
    auto made = ImageDecoders::Make(std::move(settings));
    ASSERT_THAT(made, IsOk());
    decoders_ = *std::move(made);
    SetDecoderApart(decoders_);
  }

  // A decoder that takes an order, and then does that in a shell.
  void UseShell(const std::string& then, absl::Duration patience = absl::Seconds(60)) {
    const auto script = temp_ / "decoder";
    std::ofstream(script) << "#!/bin/sh\nhead -c 24 > /dev/null\n" << then << "\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    Use({.program = script, .patience = patience});
  }

  absl::Status Try() const { return DecodePicture(png_, kManyPixels).status(); }

  const TempFolder temp_;
  const std::string png_ = EncodePng(Gradient(20, 30, 3)).value();
  std::shared_ptr<ImageDecoders> decoders_;
};

TEST_F(ImageDecodersTest, GivesWhatThisProcessGives) {
  for (const int64_t channels : {1, 3, 4}) {
    const Picture picture = Gradient(300, 500, channels);
    for (const PictureFormat format : {PictureFormat::kPng, PictureFormat::kWebp}) {
      const std::string bytes = EncodePicture(picture, format).value();
      SetDecoderApart(nullptr);
      const Picture here = DecodePicture(bytes, kManyPixels).value();
      Use({});
      const auto apart = DecodePicture(bytes, kManyPixels);
      ASSERT_THAT(apart, IsOk());
      EXPECT_EQ(apart->channels, here.channels);
      EXPECT_EQ(apart->pixels, here.pixels);
      EXPECT_THAT(decoders_->Idle(), SizeIs(1));
    }
  }
}

TEST_F(ImageDecodersTest, ADamagedPictureCostsNoProcess) {
  Use({});
  ASSERT_THAT(Try(), IsOk());
  const auto before = decoders_->Idle();
  std::string damaged = png_;
  damaged[damaged.size() / 2] ^= 0x55;
  EXPECT_THAT(decoders_->Decode(damaged, /*flags=*/-1, 600), IsOk()) << "what cv::imdecode makes of it";
  EXPECT_THAT(decoders_->Decode("no picture", -1, 600), IsOk());
  EXPECT_THAT(decoders_->Decode(png_, -1, 599), IsDamaged("more pixels than its header"));
  EXPECT_EQ(decoders_->Idle(), before);
  EXPECT_THAT(Try(), IsOk());
}

TEST_F(ImageDecodersTest, AProcessThatAPictureCrashesTakesNothingElseWithIt) {
  UseShell("kill -SEGV $$");
  EXPECT_THAT(Try(), IsDamaged("signal 11"));
  EXPECT_THAT(decoders_->Idle(), IsEmpty());
  UseShell("exit 3");
  EXPECT_THAT(Try(), IsDamaged("exit code 3"));
}

TEST_F(ImageDecodersTest, AProcessThatSomebodyKillsIsNotThePicturesFault) {
  for (const char* end : {"kill -KILL $$", "exit 0"}) {
    UseShell(end);
    EXPECT_THAT(Try(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("try again"))) << end;
  }
}

// Sixteen million columns and rows, of which the caller says that they are allowed.
TEST_F(ImageDecodersTest, APictureThatThereIsNoMemoryForKeepsNoPlace) {
  UseShell(R"(printf '\0\0\0\0\0\0\200\0\0\0\200\0\20\0\0\0' >&0; cat > /dev/null)");
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(CallOpenCv(absl::StatusCode::kInvalidArgument,
                           [&] { return decoders_->Decode(png_, -1, int64_t{1} << 46); }),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("no memory")));
  EXPECT_THAT(decoders_->Idle(), IsEmpty());
}

// As /proc has it: R, S, T, …; 0 of a process that is gone.
char StateOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(") ");
  return name_end == std::string::npos ? '\0' : line[name_end + 2];
}

TEST_F(ImageDecodersTest, AProcessThatWasStoppedForAWhileGoesOn) {
  Use({});
  ASSERT_THAT(Try(), IsOk());
  const auto before = decoders_->Idle();
  ASSERT_THAT(before, SizeIs(1));
  const auto pid = static_cast<id_t>(before.front());
  siginfo_t info;
  while (StateOf(before.front()) != 'S') std::this_thread::yield();  // until it waits for the next picture
  ASSERT_EQ(kill(before.front(), SIGSTOP), 0);
  ASSERT_EQ(waitid(P_PID, pid, &info, WSTOPPED), 0);
  ASSERT_EQ(kill(before.front(), SIGCONT), 0);
  ASSERT_EQ(waitid(P_PID, pid, &info, WCONTINUED), 0);
  EXPECT_THAT(Try(), IsOk());
  EXPECT_EQ(decoders_->Idle(), before);
}

TEST_F(ImageDecodersTest, APictureThatTakesTooLongIsGivenUp) {
  UseShell("exec sleep 600", absl::Milliseconds(200));
  EXPECT_THAT(Try(), IsDamaged("busy for too long"));
  EXPECT_THAT(decoders_->Idle(), IsEmpty());
}

TEST_F(ImageDecodersTest, NonsenseIsNotBelieved) {
  UseShell("head -c 4096 /dev/zero >&0; cat > /dev/null");
  EXPECT_THAT(Try(), IsDamaged("nonsense"));
  // 2^31 - 1 rows of 2^31 - 1.
  UseShell(R"(printf '\0\0\0\0\377\377\377\177\377\377\377\177\20\0\0\0' >&0; cat > /dev/null)");
  EXPECT_THAT(Try(), IsDamaged("nonsense"));
}

TEST_F(ImageDecodersTest, ProcessesThatDiedWhileTheyWaitedAreReplaced) {
  Use({.processes = 2});
  ASSERT_THAT(Try(), IsOk());
  const auto before = decoders_->Idle();
  ASSERT_THAT(before, SizeIs(1));
  ASSERT_EQ(kill(before.front(), SIGKILL), 0);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(before.front()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_THAT(Try(), IsOk());
  EXPECT_THAT(decoders_->Idle(), AllOf(SizeIs(1), testing::Not(before)));
}

TEST_F(ImageDecodersTest, ThereAreNoMoreProcessesThanAreAllowed) {
  Use({.processes = 2});
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) EXPECT_THAT(Try(), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(decoders_->Idle(), SizeIs(testing::AllOf(testing::Ge(1U), testing::Le(2U))));
}

TEST_F(ImageDecodersTest, WithoutAFreeProcessThereIsNoWaitWithoutAnEnd) {
  UseShell("exec sleep 600", absl::Milliseconds(500));
  absl::Status other;
  std::thread thread([&] { other = Try(); });
  const absl::Status one = Try();
  thread.join();
  // Whichever came second waited as long as the first one had its process.
  EXPECT_THAT((std::vector<absl::Status>{one, other}), testing::Contains(IsDamaged("busy for too long")));
  EXPECT_THAT(decoders_->Idle(), IsEmpty());
}

TEST_F(ImageDecodersTest, TheyEndWithTheirOwner) {
  Use({});
  ASSERT_THAT(Try(), IsOk());
  const pid_t pid = decoders_->Idle().front();
  SetDecoderApart(nullptr);
  decoders_ = nullptr;
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(ImageDecodersTest, AProgramThatIsMissingIsNamed) {
  EXPECT_THAT(ImageDecoders::Make({.program = temp_ / "gone"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("gone"), HasSubstr("inference.isolated_decoding"))));
  std::filesystem::create_directory(temp_ / "folder");
  Use({.program = temp_ / "folder"});
  EXPECT_THAT(Try(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("can't be started")));
}

}  // namespace
}  // namespace mae
