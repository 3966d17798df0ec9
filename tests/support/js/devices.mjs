// The official client in Node, driven by JSON lines (see tests/support/lines.py).

import { createInterface } from "node:readline";

import * as signalR from "@microsoft/signalr";
import * as msgpack from "@microsoft/signalr-protocol-msgpack";

import { Connections } from "./connections.mjs";

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const connections = new Connections(signalR, msgpack, say);

const answer = async ({ id, do: deed, ...argument }) => {
  try {
    say({ id, result: (await connections[deed](argument)) ?? null });
  } catch (error) {
    say({ id, error: error.message });
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  answer(JSON.parse(line));
}
await connections.end();
process.exit(0);
