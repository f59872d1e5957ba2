#include "recipe/yaml_documents.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

namespace mae {
namespace {

// Notes whether a document has anything but a null.
class ContentSeen final : public YAML::EventHandler {
 public:
  bool seen = false;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { seen = true; }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {
    seen = true;
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    seen = true;
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    seen = true;
  }
  void OnMapEnd() override {}
};

}  // namespace

bool HasSeveralDocuments(const std::string& yaml) {
  std::istringstream text(yaml);
  YAML::Parser parser(text);
  int with_content = 0;
  // A document takes a byte at least; one that takes none would come for ever.
  for (size_t documents = 0; documents <= yaml.size() && with_content < 2; ++documents) {
    ContentSeen content;
    if (!parser.HandleNextDocument(content)) break;
    if (content.seen) ++with_content;
  }
  return with_content > 1;
}

}  // namespace mae
