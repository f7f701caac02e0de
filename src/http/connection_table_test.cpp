#include "http/connection_table.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

class ConnectionTableTest : public ::testing::Test {
 protected:
  struct Listed {
    Listed(ConnectionTable& table, std::uint64_t client) : state(RequestLimits{}) {
      state.client = client;
      listing.emplace(table, state);
    }
    ConnectionState state;
    std::optional<ConnectionTable::Listing> listing;
  };

  // Idle since now; each is younger than the ones before.
  Listed& idle(std::uint64_t client) {
    auto& connection = *all_.emplace_back(std::make_unique<Listed>(table_, client));
    connection.state.expect_bytes(options_, now_ += std::chrono::seconds{1});
    return connection;
  }
  Listed& busy(std::uint64_t client) {
    return *all_.emplace_back(std::make_unique<Listed>(table_, client));
  }
  ConnectionTable::Room room_for(std::uint64_t client) {
    const auto& newcomer = busy(client);
    return table_.room_for(newcomer.state, all_.size());
  }

  HttpServerOptions options_{.connections_max = 8};
  ConnectionTable table_{options_};
  MonoTime now_{};
  std::vector<std::unique_ptr<Listed>> all_;
};

TEST_F(ConnectionTableTest, LetsConnectionsStayWhileThereIsRoom) {
  for (int i = 0; i < 6; ++i) {
    const auto room = room_for(1);
    EXPECT_TRUE(room.may_stay);
    EXPECT_EQ(room.gives_way, nullptr);
  }
}

TEST_F(ConnectionTableTest, ClosesTheIdlestOfAClientThatHasMoreThanItsShare) {
  idle(2);
  auto& idlest = idle(1);
  for (int i = 0; i < 5; ++i) idle(1);
  const auto room = room_for(1);
  EXPECT_TRUE(room.may_stay);
  EXPECT_EQ(room.gives_way, &idlest.state);
}

TEST_F(ConnectionTableTest, TurnsAClientAwayThatHasMoreThanItsShareAndNoneIdle) {
  idle(2);
  for (int i = 0; i < 6; ++i) busy(1);
  EXPECT_FALSE(room_for(1).may_stay);
}

TEST_F(ConnectionTableTest, ClosesTheIdlestOfTheClientThatHasMostWhenItIsFull) {
  idle(2);
  busy(1);
  auto& idlest = idle(1);
  for (int i = 0; i < 4; ++i) idle(1);
  idle(3);
  const auto room = room_for(4);
  EXPECT_TRUE(room.may_stay);
  EXPECT_EQ(room.gives_way, &idlest.state);
  idlest.state.is_closed = true;
  EXPECT_NE(room_for(5).gives_way, &idlest.state) << "a connection gives way once";
}

TEST_F(ConnectionTableTest, LetsATrustedProxyHaveMoreThanTheShareOfAClient) {
  for (int i = 0; i < 7; ++i) busy(1);
  auto& proxy = busy(1);
  proxy.state.is_proxy = true;
  EXPECT_TRUE(table_.room_for(proxy.state, 8).may_stay);
}

TEST_F(ConnectionTableTest, KnowsWhoHasTooMuchUnread) {
  options_.unsent_bytes_of_client = 1'000;
  auto& one = busy(1);
  auto& other = busy(2);
  one.state.unsent.assign(2'000, 'x');
  {
    const auto held = table_.hold_unsent(one.state);
    EXPECT_EQ(table_.too_much_unsent(one.state)->status, 429);
    one.state.is_proxy = true;
    EXPECT_FALSE(table_.too_much_unsent(one.state)) << "many clients are behind it";
    one.state.is_proxy = false;
    EXPECT_FALSE(table_.too_much_unsent(other.state));
    options_.unsent_bytes_max = 1'500;
    EXPECT_EQ(table_.too_much_unsent(other.state)->status, 503);
  }
  EXPECT_FALSE(table_.too_much_unsent(one.state));
}

}  // namespace
}  // namespace ia
