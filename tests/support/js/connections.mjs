// Named connections of the official client; the same code runs in Node and in a page.

export class Connections {
  #open = new Map();

  constructor(signalR, msgpack, tell) {
    this.signalR = signalR;
    this.msgpack = msgpack;
    this.tell = tell;
  }

  /** Does one deed; what it throws becomes its text. */
  async perform({ do: deed, ...argument }) {
    try {
      return { result: (await this[deed](argument)) ?? null };
    } catch (error) {
      return { error: error.message };
    }
  }

  async connect({ name, url, token, transport, protocol, targets }) {
    const { HubConnectionBuilder, HttpTransportType, LogLevel } = this.signalR;
    const builder = new HubConnectionBuilder()
      .withUrl(url, {
        accessTokenFactory: () => token,
        transport: HttpTransportType[transport],
      })
      .configureLogging(LogLevel.Error);
    if (protocol === "messagepack") {
      builder.withHubProtocol(new this.msgpack.MessagePackHubProtocol());
    }
    const connection = builder.build();
    for (const target of targets) {
      connection.on(target, (body) => {
        this.tell({ event: target, name, body });
      });
    }
    connection.onclose((error) =>
      this.tell({ event: "closed", name, body: error?.message ?? null }),
    );
    await connection.start();
    this.#open.set(name, connection);
  }

  call({ name, method, argument }) {
    return this.#open.get(name).invoke(method, argument);
  }

  async disconnect({ name }) {
    await this.#open.get(name).stop();
    this.#open.delete(name);
  }

  async end() {
    await Promise.all([...this.#open.values()].map((connection) => connection.stop()));
  }
}
