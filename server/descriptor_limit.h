#pragma once

namespace mae {

/// Lets the process have as many files and connections open as the system allows it: raises the soft limit,
/// by custom 1024, to the hard one. A watch takes about two and a connection one, so that the soft one ends
/// before jobs.max_watches does. What the process starts inherits it: nothing of that uses select(2), for
/// which the soft limit is low, and posix_spawn could not give the old one back. Where it can't be raised it
/// stays. For the whole process: call it first in main.
void RaiseDescriptorLimit();

}  // namespace mae
