// Every feature of a SignalR server, used through the official client.
// Arguments: url, detailed url, transport, protocol, and the names of features that are
// left out, separated by commas. Prints one JSON line per feature.

import * as signalR from "@microsoft/signalr";
import * as msgpack from "@microsoft/signalr-protocol-msgpack";

const [url, detailedUrl, transport, protocol, leftOut = ""] = process.argv.slice(2);
const opened = [];

function build(address, { token = "anna", query = "", reconnect = false } = {}) {
  const builder = new signalR.HubConnectionBuilder()
    .withUrl(address + query, {
      transport: signalR.HttpTransportType[transport],
      accessTokenFactory: () => token,
      headers: { "X-Sample": "header" },
    })
    .configureLogging(signalR.LogLevel.None);
  if (protocol === "messagepack") builder.withHubProtocol(new msgpack.MessagePackHubProtocol());
  if (reconnect) builder.withAutomaticReconnect([0, 50, 200, 1000]);
  const connection = builder.build();
  connection.news = [];
  connection.on("news", (text) => {
    connection.news.push(text);
  });
  connection.greeted = new Promise((resolve) => {
    connection.on("greeting", (id) => {
      resolve(id);
    });
  });
  connection.on("twice", (value) => value * 2);
  connection.closed = new Promise((resolve) => connection.onclose((e) => resolve(e?.message ?? null)));
  connection.back = new Promise((resolve) => connection.onreconnected(() => resolve(true)));
  return connection;
}

async function open(options = {}, address = url) {
  const connection = build(address, options);
  await connection.start();
  opened.push(connection);
  connection.identity = await connection.greeted;
  return connection;
}

const failure = (promise) => promise.then(() => null, (error) => error.message);

function collect(stream, take = Infinity) {
  return new Promise((resolve) => {
    const items = [];
    const subscription = stream.subscribe({
      next(item) {
        items.push(item);
        if (items.length === take) {
          subscription.dispose();
          resolve({ items });
        }
      },
      complete: () => resolve({ items, completed: true }),
      error: (error) => resolve({ items, error: error.message }),
    });
  });
}

async function until(look, what) {
  for (let left = 6000; left > 0; left -= 1) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not in time: ${what}`);
}

function upload(items) {
  const subject = new signalR.Subject();
  setTimeout(() => {
    for (const item of items) subject.next(item);
    subject.complete();
  }, 0);
  return subject;
}

const features = {
  async invocations() {
    const anna = await open();
    return {
      echo: await anna.invoke("Echo", { text: "ä", list: [1, null, true], deep: { a: 0.5 } }),
      anyCase: await anna.invoke("eCHO", 1),
      typed: await anna.invoke("Add", { x: 1, y: 2 }, { x: 3, y: 4 }),
      nothing: (await anna.invoke("Nothing")) ?? null,
      long: (await anna.invoke("Echo", "x".repeat(20000))).length,
    };
  },
  async order() {
    const anna = await open();
    const answers = [];
    await Promise.all(
      [0.05, 0, 0.02].map((wait, index) => anna.invoke("Slow", wait + 0.0001).then(() => answers.push(index))),
    );
    await anna.send("Note", "sent");
    await anna.invoke("Nothing");
    return { answers };
  },
  async errors() {
    const anna = await open();
    const detailed = await open({}, detailedUrl);
    return {
      unknown: await failure(anna.invoke("Teapot")),
      refused: await failure(anna.invoke("Refuse")),
      broken: await failure(anna.invoke("BreakDown")),
      brokenDetailed: await failure(detailed.invoke("BreakDown")),
      unauthorized: await failure(anna.invoke("StaffOnly")),
      tooFew: await failure(anna.invoke("Add", { x: 1, y: 2 })),
      wrongType: await failure(anna.invoke("Add", { x: "1", y: 2 }, { x: 1, y: 2 })),
      notAStream: await failure(anna.invoke("Count", 3)),
      stillThere: await anna.invoke("Echo", 1),
    };
  },
  async oversized() {
    const anna = await open();
    return {
      refused: await failure(anna.invoke("Echo", "x".repeat(40000))),
      stillThere: await anna.invoke("Echo", 1),
    };
  },
  async identity() {
    const staff = await open({ token: "staff", query: "?colour=red" });
    const who = await staff.invoke("Who");
    return {
      who: { ...who, id: who.id === staff.identity },
      staff: await staff.invoke("StaffOnly"),
      wrong: await failure(build(url, { token: "wrong" }).start()),
      banned: await failure(build(url, { token: "banned" }).start()),
    };
  },
  async audiences() {
    const [anna, ben, again] = [await open(), await open({ token: "ben" }), await open()];
    await anna.invoke("Join", "readers");
    await ben.invoke("Join", "readers");
    await ben.invoke("ToAll", "all");
    await ben.invoke("ToUser", "anna", "user");
    await ben.invoke("ToConnection", again.identity, "connection");
    await ben.invoke("ToGroup", "readers", "group");
    await ben.invoke("Leave", "readers");
    await ben.invoke("ToGroup", "readers", "left");
    await until(() => anna.news.length >= 4 && again.news.length >= 3, "news");
    await ben.invoke("Nothing");
    return { anna: anna.news, ben: ben.news, again: again.news };
  },
  async serverStreams() {
    const anna = await open();
    const whole = await collect(anna.stream("Count", 5));
    const cut = await collect(anna.stream("Forever"), 3);
    const failed = await collect(anna.stream("FailingStream"));
    const wrong = await collect(anna.stream("Echo", 1));
    const slow = anna.invoke("Slow", 1.0);
    const unheard = [];
    const note = (what) => unheard.push(what);
    anna.stream("Forever").subscribe({ next: note, complete: note, error: note }).dispose();
    await slow;
    return { unheard, whole, cut: cut.items, failed, wrong, stillThere: await anna.invoke("Echo", 1) };
  },
  async uploads() {
    const anna = await open();
    return {
      total: await anna.invoke("Total", upload([1, 2, 3])),
      empty: await anna.invoke("Total", upload([])),
      both: await collect(anna.stream("Doubled", upload([1, 2, 3]))),
    };
  },
  async clientResults() {
    const anna = await open();
    await anna.invoke("AskBack", 21);
    await until(() => anna.news.length > 0, "the answer");
    return { news: anna.news };
  },
  async closing() {
    const plain = await open({ reconnect: true });
    await failure(plain.invoke("Close", null, false));
    const wrong = await open({ reconnect: true });
    await failure(wrong.invoke("Close", "go away", false));
    const back = await open({ reconnect: true });
    const old = back.connectionId;
    await failure(back.invoke("Close", null, true));
    await back.back;
    return {
      plain: await plain.closed,
      wrong: await wrong.closed,
      newId: back.connectionId !== old,
      stillThere: await back.invoke("Echo", 1),
      unwelcome: await unwelcome(),
    };
  },
};

async function unwelcome() {
  const connection = build(url, { query: "?unwelcome=1" });
  // Over HTTP the goodbye may come with the handshake's answer, within start().
  return (await failure(connection.start())) ?? connection.closed;
}

for (const [name, run] of Object.entries(features)) {
  if (leftOut.split(",").includes(name)) continue;
  let found;
  try {
    found = await run();
  } catch (error) {
    found = { failed: error.stack };
  }
  process.stdout.write(`${JSON.stringify({ name, found })}\n`);
  await Promise.all(opened.splice(0).map((connection) => connection.stop()));
}
process.exit(0);
