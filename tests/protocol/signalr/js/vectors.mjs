// Reads and writes vectors with the official JavaScript client's own codecs.
//
// In: one JSON array of {json, messagepack (hex), value (the message to write)} rows on
// standard input. Out: for each row what was read of either form, and what was written.
import { JsonHubProtocol, NullLogger } from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";

const json = new JsonHubProtocol();
const messagePack = new MessagePackHubProtocol();

async function standardInput() {
    const pieces = [];
    for await (const piece of process.stdin) pieces.push(piece);
    return Buffer.concat(pieces).toString("utf8");
}

const buffer = (hex) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
};
const attempt = (act) => {
    try {
        return act();
    } catch (error) {
        return { failed: String(error) };
    }
};

const rows = JSON.parse(await standardInput());
process.stdout.write(JSON.stringify(rows.map((row) => ({
    readJson: attempt(() => json.parseMessages(row.json, NullLogger.instance)),
    readMessagePack: attempt(() => messagePack.parseMessages(buffer(row.messagepack), NullLogger.instance)),
    writtenJson: attempt(() => json.writeMessage(row.value)),
    writtenMessagePack: attempt(() => Buffer.from(messagePack.writeMessage(row.value)).toString("hex")),
}))));
