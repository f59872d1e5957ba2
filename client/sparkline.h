#pragma once

#include <string>
#include <vector>

namespace mae {

/// A curve in one line of at most `columns` blocks (▁ to █), each the mean of its share of the values; the
/// lowest value of all is the lowest block. Values that are not finite are left out; empty without any.
std::string Sparkline(const std::vector<double>& values, int columns);

/// Means of `buckets` equal shares of the values, or the values themselves where there are no more than that.
std::vector<double> Thinned(const std::vector<double>& values, size_t buckets);

}  // namespace mae
