# Writes a source file with the bytes of files:
#   cmake -DOUT=x.cpp "-DFILES=a.json;b.js" -P embed.cmake
# Each file's function is named like the file, without its extension.
set(source "// Made by embed.cmake.\n#include \"api/asset_bytes.h\"\n\n")
string(APPEND source "namespace ia::asset_bytes {\n")
foreach(file IN LISTS FILES)
  cmake_path(GET file STEM name)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND source
         "std::string_view ${name}() {\n"
         "  static constexpr unsigned char kBytes[] = {${bytes}};\n"
         "  return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes)};\n"
         "}\n")
endforeach()
string(APPEND source "}  // namespace ia::asset_bytes\n")
file(WRITE ${OUT} "${source}")
