# cmake -DOUTPUT=<file.cc> -DRECIPES=<a.yaml,b.yaml,…> -P embed_recipes.cmake
# Writes mae::BuiltinRecipeFiles() with the content of each file under its stem, sorted.
string(REPLACE "," ";" RECIPES "${RECIPES}")
list(TRANSFORM RECIPES REPLACE "\\.yaml$" "")
list(SORT RECIPES)  # without the suffix, which would sort after a name that goes on with "-"
set(entries)
foreach(recipe IN LISTS RECIPES)
  get_filename_component(name "${recipe}" NAME_WE)
  file(READ "${recipe}.yaml" yaml)
  string(APPEND entries "      {\"${name}\", R\"recipe(${yaml})recipe\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Generated from configs/recipes/ by lib/recipe/embed_recipes.cmake.
#include \"recipe/builtin_recipes.h\"

namespace mae {

const std::vector<BuiltinRecipeFile>& BuiltinRecipeFiles() {
  static const std::vector<BuiltinRecipeFile> files = {
${entries}  };
  return files;
}

}  // namespace mae
")
