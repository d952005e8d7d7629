// The network cable of the demo: carries TCP connections to PORT of this machine, counts bytes, and can be cut.
//
//   node cable.mjs PORT     prints the port it listens on; then on standard input, one answer line each:
//     cut after BYTES       as soon as so many more have been carried, every connection breaks, and new ones are refused
//     plug in               as before
//     carried               prints how many bytes went towards PORT since it was last plugged in
import net from "node:net";
import { createInterface } from "node:readline";

const target = Number(process.argv[2]);
const connections = new Set();
let carried = 0;
let cutAt = Number.POSITIVE_INFINITY;
let isCut = false;

function count(chunk) {
  carried += chunk.length;
  if (carried < cutAt || isCut) return;
  isCut = true;
  // what has gone through still arrives
  for (const { client, machine } of connections) {
    client.resetAndDestroy();
    machine.end();
  }
}

function carry(from, to, onChunk) {
  from.on("data", (chunk) => {
    if (!to.destroyed && !to.writableEnded && !to.write(chunk)) from.pause();
    onChunk?.(chunk);
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  from.on("error", () => to.end());
}

const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  if (isCut) {
    client.resetAndDestroy();
    return;
  }
  const machine = net.connect({ host: "127.0.0.1", port: target, allowHalfOpen: true, noDelay: true });
  const connection = { client, machine };
  connections.add(connection);
  machine.on("close", () => {
    connections.delete(connection);
    client.destroy();
  });
  carry(client, machine, count);
  carry(machine, client);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));

// The end of the input is the end of the cable.
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [word, , bytes] = line.split(" ");
    if (word === "cut") cutAt = carried + Number(bytes);
    else if (word === "plug") [isCut, cutAt, carried] = [false, Number.POSITIVE_INFINITY, 0];
    process.stdout.write(`${carried}\n`);
  })
  .on("close", () => process.exit());
