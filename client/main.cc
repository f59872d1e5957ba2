#include "client/command_line.h"

int main(int argc, char** argv) { return mae::RunCommandLine(argc, argv); }
