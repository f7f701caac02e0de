# The toolchain of the preset fuzz: the clang that IA_CLANG names, or one that is new enough for
# std::expected beside libstdc++, wherever it is: Debian 12 and 13 have clang-19.
if(NOT CMAKE_CXX_COMPILER)
  find_program(IA_CLANG NAMES clang++-19 clang++-20 clang++-21 clang++-22 clang++)
  if(NOT IA_CLANG)
    message(FATAL_ERROR "libFuzzer needs clang 19 or newer: apt-get install clang-19 "
                        "libclang-rt-19-dev, or -DIA_CLANG=/path/to/clang++")
  endif()
  set(CMAKE_CXX_COMPILER ${IA_CLANG})
endif()
