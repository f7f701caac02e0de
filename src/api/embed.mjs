// Writes a source file with the files that travel in the program, each also compressed:
//   node embed.mjs asset_bytes.cpp /=web/index.html /app.js=dist/app.js ...
// Scripts and styles are named after their content, "/assets/app-1f2e3d4c5b6a7988.js": whoever has
// such a name has the file for ever. The page that loads them gets the new names.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';

const [out, ...pairs] = process.argv.slice(2);
const files = pairs.map((pair) => {
  const [path, from] = pair.split('=');
  return { path, bytes: readFileSync(from) };
});

const page = files.find(({ path }) => path === '/');

function nameAfterContent(path, bytes) {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const extension = extname(path);
  return `/assets${path.slice(0, -extension.length)}-${hash}${extension}`;
}

function rename(bytes, before, after) {
  const parts = bytes.toString().split(`"${before}"`);
  if (parts.length !== 2) throw new Error(`The page must name "${before}" exactly once.`);
  return Buffer.from(parts.join(`"${after}"`));
}

for (const file of files.filter(({ path }) => /\.(js|css)$/.test(path))) {
  const name = nameAfterContent(file.path, file.bytes);
  page.bytes = rename(page.bytes, file.path, name);
  file.path = name;
}

const array = (name, bytes) =>
  `constexpr unsigned char ${name}[] = {${Array.from(bytes).join()}};\n`;
const view = (name) => `{reinterpret_cast<const char*>(${name}), sizeof(${name})}`;

let arrays = '';
let entries = '';
files.forEach(({ path, bytes }, i) => {
  arrays += array(`kPlain${i}`, bytes) + array(`kGzip${i}`, gzipSync(bytes, { level: 9 }));
  entries += `      {"${path}", ${view(`kPlain${i}`)}, ${view(`kGzip${i}`)}},\n`;
});
writeFileSync(out, `// Made by embed.mjs.
#include "api/asset_bytes.h"

namespace ia {
namespace {
${arrays}}  // namespace

std::span<const EmbeddedFile> embedded_files() {
  static const EmbeddedFile kFiles[] = {
${entries}  };
  return kFiles;
}

}  // namespace ia
`);
