// The queue contract over SQS.

#include "../queue_contract.h"
#include "sqs_harness.h"

namespace ia {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqs, QueueContract,
                         ::testing::Values(sqs_factory_of<SqsHarness, QueueHarness>("Fauxqs")),
                         name_of_factory<QueueHarness>);

INSTANTIATE_TEST_SUITE_P(
    Sqs, DurableQueueContract,
    ::testing::Values(sqs_factory_of<SqsHarness, DurableQueueHarness>("Fauxqs")),
    name_of_factory<DurableQueueHarness>);

}  // namespace
}  // namespace ia
