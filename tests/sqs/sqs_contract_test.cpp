// The queue contract over SQS.

#include "../queue_contract.h"
#include "sqs_harness.h"

namespace ia {
namespace {

template <class Server, class Harness>
Factory<Harness> sqs_on(std::string name) {
  return sqs_factory_of<SqsHarness<Server>, Harness, Server>(std::move(name));
}

INSTANTIATE_TEST_SUITE_P(Fauxqs, QueueContract,
                         ::testing::Values(sqs_on<Fauxqs, QueueHarness>("Fauxqs")),
                         name_of_factory<QueueHarness>);
INSTANTIATE_TEST_SUITE_P(Fauxqs, DurableQueueContract,
                         ::testing::Values(sqs_on<Fauxqs, DurableQueueHarness>("Fauxqs")),
                         name_of_factory<DurableQueueHarness>);

INSTANTIATE_TEST_SUITE_P(ElasticMq, QueueContract,
                         ::testing::Values(sqs_on<ElasticMq, QueueHarness>("ElasticMq")),
                         name_of_factory<QueueHarness>);
INSTANTIATE_TEST_SUITE_P(ElasticMq, DurableQueueContract,
                         ::testing::Values(sqs_on<ElasticMq, DurableQueueHarness>("ElasticMq")),
                         name_of_factory<DurableQueueHarness>);

}  // namespace
}  // namespace ia
