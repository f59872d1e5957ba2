#pragma once

#include <string>
#include <vector>

#include "serving/model_version.h"

/// What a new version asks of the aliases of its model. Pure.
namespace mae {

/// The aliases that a version is to be called by once it is published.
struct AliasWish {
  std::vector<std::string> aliases = {};  ///< named like models, none of them latest, none twice
  /// A metric of options/metric_order.h by which the version has to beat the one that the alias stands for;
  /// empty: the aliases move in any case.
  std::string only_if_better = {};
};

/// What became of one of them.
struct AliasMove {
  std::string alias;
  bool moved = false;
  std::string reason;  ///< for people, with both values

  bool operator==(const AliasMove&) const = default;
};

/// @param version not yet published. @param model what is; its versions are empty where there is none.
/// @return an entry an alias of `wish`, in its order. Two versions can be compared if both have a finite
/// value of the metric, their cards name the same dataset and their losses mean the same; else nothing moves.
/// An alias that does not exist yet is made.
std::vector<AliasMove> DecideAliases(const AliasWish& wish, const ModelVersion& version,
                                     const ModelRecord& model);

/// Of a version that was published before: which of the aliases stand for it now.
std::vector<AliasMove> AliasesNow(const AliasWish& wish, const ModelVersion& version,
                                  const ModelRecord& model);

}  // namespace mae
