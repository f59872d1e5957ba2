namespace {

// Memory that is free is handed back after ten seconds also if nobody allocates any more.
constexpr char kSettings[] = "background_thread:true";

}  // namespace

/// What jemalloc reads before main (its manual, "TUNING"). In a program without it, nobody does.
extern "C" const char* malloc_conf;
const char* malloc_conf = kSettings;
