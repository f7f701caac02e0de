// An SQS server for tests: fauxqs on 127.0.0.1. It keeps its queues in memory and takes any
// credentials.
//
//   node fauxqs.mjs NODE_MODULES             in a time that stands still
//   node fauxqs.mjs NODE_MODULES --port N    in real time; 0: a port that the system picks
//
// Prints "listening PORT TIME", TIME in milliseconds since 1970. Where time stands still, the line
// "advance MILLISECONDS" on standard input moves it and is answered by "ok", and the server ends
// with its input; in real time it ends with SIGTERM or SIGINT.

import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [modules, option, port] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(modules, "fauxqs", "dist", file)));

let now = Date.now();
if (option !== "--port") Date.now = () => now;

const { buildApp } = await load("app.js");
const { SqsStore } = await load("sqs/sqsStore.js");
const sqsStore = new SqsStore();
const app = buildApp({ logger: false, stores: { sqsStore } });
await app.listen({ host: "127.0.0.1", port: Number(port ?? 0) });
console.log(`listening ${app.server.address().port} ${now}`);

if (option === "--port") {
  // What nobody receives becomes visible all the same: for whoever asks for the depth.
  setInterval(() => sqsStore.processAllTimers(), 100);
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
} else {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const [word, time] = line.split(" ");
    if (word !== "advance") throw new Error(`unknown: ${line}`);
    now += Number(time);
    sqsStore.processAllTimers();
    console.log("ok");
  });
  lines.on("close", () => process.exit(0));
}
