#include "ports/job_health.h"

namespace ia {
namespace {

// Chunks are compressed from three hours after their end on, by a job that runs every half an hour;
// one of a million influencers takes minutes.
constexpr std::chrono::hours kUncompressedMax{6};

}  // namespace

std::optional<std::string> concern_of(const JobHealth& health) {
  if (health.failed > 0) {
    return std::to_string(health.failed) +
           (health.failed == 1 ? " job of the database" : " jobs of the database") +
           " failed when last run (" + health.failure + ")";
  }
  if (health.uncompressed < kUncompressedMax) return std::nullopt;
  const auto hours = std::chrono::floor<std::chrono::hours>(health.uncompressed).count();
  return "a chunk of points ended " + std::to_string(hours) + " h ago and is not compressed";
}

}  // namespace ia
