#include "pipeline/verdict_feed.h"

namespace ia {
namespace {
constexpr std::size_t kAtOnce = 10'000;
}  // namespace

Status VerdictFeed::step() {
  while (true) {
    const auto page = store_.read(cursor_, kAtOnce);
    backoff_.note(page.has_value());
    if (!page) {
      state_.failing("cannot follow the verdicts", page.error().message);
      return std::unexpected(page.error());
    }
    state_.recovered("following the verdicts again");
    if (page->verdicts.empty()) return {};
    book_.apply(page->verdicts);
    cursor_ = page->cursor;
  }
}

}  // namespace ia
