// Writes the files of a folder into a source file, compressed: node embed_console.mjs DIST OUT. See page.h.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

// Vite: /assets/index-Bw3kXv2a.js
const namedByHash = /^\/assets\/.+-[\w-]{8}\.\w+$/;

function files(folder, path = "") {
  return readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(folder, `${path}/${entry.name}`) : [`${path}/${entry.name}`],
  );
}

// Octal escapes of fixed length: what follows is never read as part of them.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 64) {
    const part = [...bytes.subarray(at, at + 64)].map((b) => "\\" + b.toString(8).padStart(3, "0"));
    lines.push(`     "${part.join("")}"`);
  }
  return lines.join("\n");
}

const [dist, out] = process.argv.slice(2);
const entries = files(dist)
  .sort()
  .map((path) => {
    const type = types[extname(path)];
    if (!type) throw new Error(`${path}: no content type is known for this ending`);
    const content = readFileSync(join(dist, path));
    const etag = createHash("sha256").update(content).digest("hex").slice(0, 16);
    const packed = gzipSync(content, { level: 9 });
    return `    {"${path}", "${type}", "W/\\"${etag}\\"", ${namedByHash.test(path)},\n     std::string_view(\n${literal(packed)},\n     ${packed.length})},\n`;
  });
writeFileSync(
  out,
  `#include "engine/ops/page.h"

namespace hilum::ops {

std::span<PageFile const> page_files() {
    static constexpr PageFile files[] = {
${entries.join("")}    };
    return files;
}

}  // namespace hilum::ops
`,
);
