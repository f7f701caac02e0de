# Every library that we use, beside its Debian 12 package.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)                 # libboost1.81-dev: Asio (header only)
find_package(OpenSSL REQUIRED)                    # libssl-dev
find_package(CURL 7.86 REQUIRED)                  # libcurl4-openssl-dev: signs as SQS wants
find_package(ZLIB REQUIRED)                       # zlib1g-dev
find_package(SQLite3 REQUIRED)                    # libsqlite3-dev
find_package(PostgreSQL REQUIRED)                 # libpq-dev
find_package(simdjson REQUIRED CONFIG)            # libsimdjson-dev
find_package(fmt REQUIRED CONFIG)                 # libfmt-dev
find_package(spdlog REQUIRED CONFIG)              # libspdlog-dev
find_package(prometheus-cpp REQUIRED CONFIG)      # prometheus-cpp-dev
find_package(tomlplusplus REQUIRED CONFIG)        # libtomlplusplus-dev
if(IA_BUILD_TESTS)
  find_package(GTest REQUIRED CONFIG)             # libgtest-dev, libgmock-dev
  find_package(benchmark REQUIRED CONFIG)         # libbenchmark-dev
  include(GoogleTest)
endif()

# Asio's types appear in many files; compile them in the way that was measured.
add_library(ia_boost INTERFACE)
target_include_directories(ia_boost SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(ia_boost INTERFACE BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(ia_boost INTERFACE Threads::Threads OpenSSL::SSL)
