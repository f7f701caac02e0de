// An SQS server for tests: fauxqs on 127.0.0.1, on a port that the system picks.
//
//   node fauxqs.mjs NODE_MODULES
//
// Prints "listening PORT TIME", TIME in milliseconds since 1970. Its time stands still; the line
// "advance MILLISECONDS" on standard input moves it and is answered by "ok". Ends with its input.

import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const load = (file) => import(pathToFileURL(join(process.argv[2], "fauxqs", "dist", file)));

let now = Date.now();
Date.now = () => now;

const { buildApp } = await load("app.js");
const { SqsStore } = await load("sqs/sqsStore.js");
const sqsStore = new SqsStore();
const app = buildApp({ logger: false, stores: { sqsStore } });
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`listening ${app.server.address().port} ${now}`);

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [word, time] = line.split(" ");
  if (word !== "advance") throw new Error(`unknown: ${line}`);
  now += Number(time);
  sqsStore.processAllTimers();
  console.log("ok");
});
lines.on("close", () => process.exit(0));
