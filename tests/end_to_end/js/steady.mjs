// A person with the official client and its own automatic reconnect, who writes and reads
// without pause until stdin ends. Arguments: hub url, token, conversation id, name,
// transport. Prints one JSON line when there is something to say, and one at the end.

import * as signalR from "@microsoft/signalr";

const [url, token, conversationId, name, transport] = process.argv.slice(2);
const PAUSE_MS = 100;

const texts = new Map();
let whole = 0;
let lastMs = 0;
let darkMs = 0;
let worstAnswerMs = 0;
let interrupted = 0;
let reconnects = 0;
let doubled = 0;
let over = false;
const answered = {};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// Settled when it has left: an exit would cut a long line off.
const say = (line) =>
  new Promise((left) => process.stdout.write(`${JSON.stringify(line)}\n`, left));

const connection = new signalR.HubConnectionBuilder()
  .withUrl(url, { transport: signalR.HttpTransportType[transport], accessTokenFactory: () => token })
  .withAutomaticReconnect()
  .configureLogging(signalR.LogLevel.None)
  .build();

function arrived(event) {
  const now = performance.now();
  if (lastMs) darkMs = Math.max(darkMs, now - lastMs);
  lastMs = now;
  if (texts.has(event.seq)) doubled += 1;
  texts.set(event.seq, event.message?.text ?? null);
  while (texts.has(whole + 1)) whole += 1;
}

connection.on("MessageCreated", (event) => {
  // What Sync has told already may come live too, and the other way round.
  if (event.conversationId === conversationId && !texts.has(event.seq)) arrived(event);
});

async function catchUp() {
  for (let more = true; more; ) {
    const answer = await connection.invoke("Sync", { cursors: { [conversationId]: whole } });
    more = answer.more;
    for (const row of answer.conversations) {
      for (const event of row.events) if (!texts.has(event.seq)) arrived(event);
    }
  }
}

let back = Promise.resolve();
let gaveUp = null;
connection.onreconnecting(() => {
  back = new Promise((resolve) => {
    connection.resolveBack = resolve;
  });
});
connection.onreconnected(async () => {
  reconnects += 1;
  await catchUp().catch(() => null);
  connection.resolveBack();
});
connection.onclose((error) => {
  gaveUp = error?.message ?? "closed";
  connection.resolveBack?.();
});

async function send(text, clientMessageId) {
  const began = performance.now();
  for (;;) {
    try {
      const { seq } = await connection.invoke("SendMessage", { conversationId, clientMessageId, text });
      worstAnswerMs = Math.max(worstAnswerMs, performance.now() - began);
      answered[text] = seq;
      return;
    } catch (error) {
      // The same id again: it cannot be doubled.
      interrupted += 1;
      if (gaveUp) throw error;
      await pause(20);
      await back;
    }
  }
}

process.stdin.resume().on("end", () => {
  over = true;
});

await connection.start();
await catchUp();
say({ ready: true });
let failed = null;
try {
  for (let number = 1; !over; number += 1) {
    await send(`${name} ${number}`, `${name}-${number}`);
    await pause(PAUSE_MS);
  }
} catch (error) {
  failed = error.message;
}
await catchUp().catch(() => null);
await say({
  failed,
  gaveUp,
  answered,
  texts: Object.fromEntries(texts),
  whole,
  darkMs,
  worstAnswerMs,
  interrupted,
  reconnects,
  doubled,
});
process.exit(0);
