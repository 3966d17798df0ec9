// The official client in Node, driven by JSON lines (see tests/support/lines.py).

import { createInterface } from "node:readline";

import * as signalR from "@microsoft/signalr";
import * as msgpack from "@microsoft/signalr-protocol-msgpack";

import { Connections } from "./connections.mjs";

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const connections = new Connections(signalR, msgpack, say);

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...asked } = JSON.parse(line);
  connections.perform(asked).then((answer) => say({ id, ...answer }));
}
await connections.end();
process.exit(0);
