#pragma once

#include <string_view>

#include "app/config/setting_values.h"
#include "base/error.h"

namespace ia {

// 0 when the address can be listened on now, or the errno of why not. It is free again afterwards.
int listen_error(const Address& address);

// Whether the address that `setting` names can be listened on now: kUnavailable, with what to do
// about it, when it cannot.
Status can_listen(std::string_view setting, const Address& address);

}  // namespace ia
