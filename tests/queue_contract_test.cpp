// The queue contract over the queues that need no server. A new one adds a harness to
// queue_harness.h and a line here.

#include "queue_contract.h"

namespace ia {
namespace {

INSTANTIATE_TEST_SUITE_P(All, QueueContract,
                         ::testing::Values(factory_of<MemoryHarness, QueueHarness>("Memory"),
                                           factory_of<SqliteHarness, QueueHarness>("Sqlite")),
                         name_of_factory<QueueHarness>);

INSTANTIATE_TEST_SUITE_P(
    All, DurableQueueContract,
    ::testing::Values(factory_of<SqliteHarness, DurableQueueHarness>("Sqlite")),
    name_of_factory<DurableQueueHarness>);

}  // namespace
}  // namespace ia
