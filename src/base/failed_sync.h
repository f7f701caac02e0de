#pragma once

#include <functional>
#include <string>

namespace ia {

// After a failed fsync nobody knows what the disk holds, and the system does not tell again: what
// was open has to be opened again by another process. Whatever calls fsync tells it here; the
// process's one handler, if there is any, sees to the rest. Safe to call from any thread.
using FailedSyncHandler = std::function<void(const std::string& what)>;
// Called with the message for people, from the thread that called fsync. Empty: none.
void set_failed_sync_handler(FailedSyncHandler handler);
void tell_failed_sync(const std::string& what);

}  // namespace ia
