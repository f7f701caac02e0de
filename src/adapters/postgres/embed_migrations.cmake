# Writes a source file with the texts of the migrations:
#   cmake -DOUT=x.cpp "-DFILES=0001_tables.sql;..." -P postgres_embed.cmake
set(source "// Made by postgres_embed.cmake.\n#include \"adapters/postgres/migrate.h\"\n\n")
string(APPEND source "namespace ia::postgres {\nnamespace {\n")
set(list "")
set(number 0)
foreach(file IN LISTS FILES)
  cmake_path(GET file FILENAME name)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND source "constexpr unsigned char kText${number}[] = {${bytes}0};\n")
  string(APPEND list "      {\"${name}\", reinterpret_cast<const char*>(kText${number})},\n")
  math(EXPR number "${number} + 1")
endforeach()
string(APPEND source "}  // namespace\n\nstd::vector<MigrationFile> migration_files() {\n"
       "  return {\n${list}  };\n}\n\n}  // namespace ia::postgres\n")
file(WRITE ${OUT} "${source}")
