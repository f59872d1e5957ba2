#pragma once

#include <string>

#include "interop/model_export.h"
#include "options/model_card.h"

namespace mae {

/// The model card that goes with an export, in Markdown with the front matter of model hubs: what the model
/// is, recipe, dataset, parent, metrics, curves, licence, and how to load the files of this format. Text of
/// people is put on one line and escaped. Pure.
std::string ModelReadme(ExportFormat format, const ModelConfig& config, const ModelStory& story);

}  // namespace mae
