#pragma once

#include <string_view>

#include "base/error.h"

namespace ia::postgres {

// What to do after an error that the server reported.
enum class Fate {
  kRetry,   // the same again may work: a lost connection, a deadlock, a full disk, a restart
  kFatal,   // only a person can help: a wrong password, missing rights, a schema of another version
  kPoison,  // this very data will never be taken: keep it apart, go on with the rest
};

// By the five characters of an SQLSTATE; "" means that the connection failed. States that are not
// known here are fatal: nothing is thrown away for a reason that nobody has understood.
Fate fate_of(std::string_view sqlstate);

// How the fate looks to callers of a port. Poison is kInvalid, so that a sink buries the batch.
// Fatal is kUnavailable, so that data waits until the person has come, and kCorrupt where the
// server says that stored bytes are damaged.
Errc errc_of(std::string_view sqlstate);

// What a person should do about it; "" when the server's own message says all.
std::string_view advice_on(std::string_view sqlstate);

// The states that the store acts upon.
inline constexpr std::string_view kUniqueViolation = "23505";
inline constexpr std::string_view kSerializationFailure = "40001";
inline constexpr std::string_view kDeadlock = "40P01";
// Raised by our own functions: the registry is not of the epoch that the caller knew.
inline constexpr std::string_view kRegistryMoved = "IA001";
// Raised by our own functions: the epoch is not larger than the stored one.
inline constexpr std::string_view kEpochIsOld = "IA002";

}  // namespace ia::postgres
