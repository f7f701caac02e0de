# Writes a source file with the files that travel in the program, each also compressed:
#   cmake -DOUT=asset_bytes.cpp "-DFILES=/=web/index.html;/app.js=web/dist/app.js" -P embed.cmake
# Scripts and styles are named after their content, "/assets/app-1f2e3d4c5b6a7988.js", so that a
# browser may keep them for ever; the page that loads them gets the new names.
set(arrays "")
set(entries "")
set(number 0)

function(append_array name file)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  set(arrays "${arrays}constexpr unsigned char ${name}[] = {${bytes}};\n" PARENT_SCOPE)
endfunction()

function(gzip file out)
  execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${out} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Names `path` after the content of `file`, in the page too.
function(name_after_content path file page out)
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  cmake_path(GET path STEM stem)
  cmake_path(GET path EXTENSION extension)
  set(name "/assets/${stem}-${hash}${extension}")
  file(READ ${page} html)
  string(REPLACE "\"${path}\"" "\"${name}\"" named "${html}")
  if(named STREQUAL html)
    message(FATAL_ERROR "The page must name \"${path}\".")
  endif()
  file(WRITE ${page} "${named}")
  set(${out} ${name} PARENT_SCOPE)
endfunction()

set(page ${OUT}.html)
foreach(entry IN LISTS FILES)
  if(entry MATCHES "^/=(.*)$")
    file(COPY_FILE ${CMAKE_MATCH_1} ${page})
  endif()
endforeach()

# The page comes last, when all names in it are known.
list(REVERSE FILES)
foreach(entry IN LISTS FILES)
  string(REGEX MATCH "^([^=]*)=(.*)$" _ "${entry}")
  set(path ${CMAKE_MATCH_1})
  set(file ${CMAKE_MATCH_2})
  if(path STREQUAL "/")
    set(file ${page})
  elseif(path MATCHES "[.](js|css)$")
    name_after_content(${path} ${file} ${page} path)
  endif()
  gzip(${file} ${OUT}.gz)
  append_array(kPlain${number} ${file})
  append_array(kGzip${number} ${OUT}.gz)
  set(plain "{reinterpret_cast<const char*>(kPlain${number}), sizeof(kPlain${number})}")
  set(gzipped "{reinterpret_cast<const char*>(kGzip${number}), sizeof(kGzip${number})}")
  string(APPEND entries "      {\"${path}\", ${plain}, ${gzipped}},\n")
  math(EXPR number "${number} + 1")
endforeach()

set(source "")
string(APPEND source "// Made by embed.cmake.\n#include \"api/page/embedded_files.h\"\n\n"
    "namespace ia {\nnamespace {\n${arrays}}  // namespace\n\n"
    "std::span<const EmbeddedFile> embedded_files() {\n"
    "  static const EmbeddedFile kFiles[] = {\n${entries}  };\n  return kFiles;\n}\n\n"
    "}  // namespace ia\n")
file(WRITE ${OUT} "${source}")
file(REMOVE ${OUT}.gz ${page})
