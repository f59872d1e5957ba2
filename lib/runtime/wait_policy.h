#pragma once

namespace mae {

/// Makes the OpenMP threads of this program sleep while they wait for one another instead of spinning.
/// Spinning gains little when the cores are free, and costs most of the speed as soon as anything else runs
/// on them: a server beside a trainer, or a build. Figures are in docs/performance.md.
///
/// OpenMP reads its settings when it is loaded, so this starts the program anew, in the same process, with
/// OMP_WAIT_POLICY=passive. Returns without doing anything if OMP_WAIT_POLICY or GOMP_SPINCOUNT is set
/// already, or if the program cannot be started anew. Call it first in main, before any thread or file is
/// opened. Torch-free.
/// @param argv of main.
void WaitWithoutSpinning(char** argv);

}  // namespace mae
