#include "tests/layout/include_rules.h"

#include <algorithm>

namespace mae {
namespace {

constexpr const char* kForAll[] = {"base", "options"};

bool Allows(const std::set<std::string>& allowed, const SourceFile& target, const std::string& name) {
  return allowed.contains(target.folder()) || allowed.contains(name);
}

bool MayInclude(const SourceFile& from, const SourceFile& target, const std::string& name,
                const FolderRule& rule) {
  if (from.folder() == target.folder()) return true;
  const bool is_for_all =
      std::find(std::begin(kForAll), std::end(kForAll), target.folder()) != std::end(kForAll);
  if (is_for_all && from.folder() != "base") return from.folder() != "options" || target.folder() == "base";
  return Allows(rule.from_any_file, target, name) ||
         (!from.is_header() && Allows(rule.from_sources_only, target, name));
}

// Depth first; `path` holds the files on the way, `done` those from which there is no way around.
bool FindCycle(const SourceTree& tree, const SourceFile& file, std::vector<std::string>& path,
               std::set<std::string>& done) {
  if (done.contains(file.path)) return false;
  const bool is_around = std::find(path.begin(), path.end(), file.path) != path.end();
  path.push_back(file.path);
  if (is_around) return true;
  for (const Include& include : file.includes) {
    const SourceFile* next = tree.Find(include.name);
    if (next != nullptr && FindCycle(tree, *next, path, done)) return true;
  }
  path.pop_back();
  done.insert(file.path);
  return false;
}

bool StartsWithAny(const std::string& name, std::initializer_list<const char*> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](const char* start) { return name.starts_with(start); });
}

}  // namespace

std::vector<std::string> ForbiddenArrows(const SourceTree& tree,
                                         const std::map<std::string, FolderRule>& rules) {
  std::vector<std::string> wrong;
  for (const auto& [path, file] : tree.files()) {
    if (file.folder() == "tests") continue;
    const auto rule = rules.find(file.folder());
    if (rule == rules.end()) {
      wrong.push_back(path + ": its folder has no rule");
      continue;
    }
    for (const Include& include : file.includes) {
      const SourceFile* target = tree.Find(include.name);
      if (target == nullptr || MayInclude(file, *target, include.name, rule->second)) continue;
      wrong.push_back(path + ":" + std::to_string(include.line) + ": may not include " + include.name);
    }
  }
  return wrong;
}

std::string IncludeCycle(const SourceTree& tree) {
  std::set<std::string> done;
  for (const auto& [path, file] : tree.files()) {
    std::vector<std::string> way;
    if (!FindCycle(tree, file, way, done)) continue;
    std::string words;
    const auto first = std::find(way.begin(), way.end(), way.back());
    for (auto step = first; step != way.end(); ++step) words += (step == first ? "" : " -> ") + *step;
    return words;
  }
  return "";
}

bool IsTorchHeader(const std::string& name) {
  return StartsWithAny(name, {"torch/", "ATen/", "c10/", "caffe2/"});
}

bool IsProtobufHeader(const std::string& name) {
  return name.ends_with(".pb.h") || StartsWithAny(name, {"google/protobuf/", "grpcpp/", "grpc/", "grpc++/"});
}

std::vector<std::string> FilesThatSeeTorchAndProtobuf(const SourceTree& tree) {
  std::vector<std::string> both;
  for (const auto& [path, file] : tree.files()) {
    const std::set<std::string> seen = tree.Closure(file);
    if (std::any_of(seen.begin(), seen.end(), IsTorchHeader) &&
        std::any_of(seen.begin(), seen.end(), IsProtobufHeader)) {
      both.push_back(path);
    }
  }
  return both;
}

}  // namespace mae
