#pragma once

namespace mae {

/// Makes the C library keep freed memory for the next allocation instead of handing large blocks back to the
/// system at once. Each training step allocates and frees the same blocks: given back, they return as page
/// faults, which took a tenth of a step's processor time, and a little more memory at the peak. For the whole
/// process: call it first in main.
void KeepStepMemory();

}  // namespace mae
