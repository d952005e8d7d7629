import { createServer, type Server } from "node:net";
import ssh2, { type ParsedKey } from "ssh2";

const REQUEST_IDENTITIES = 11;
const SIGN_REQUEST = 13;
/** A message of one byte: SSH_AGENT_FAILURE. */
const FAILURE = Buffer.from([0, 0, 0, 1, 5]);
const LONGEST = 256 * 1024;

/**
 * An SSH agent with one key, for the OpenSSH client: so a key that came from a credential, a command or with a passphrase
 * never lies in a file or an argument. Whoever may open `path` may use the key: put it into a private directory.
 */
export async function serveKey(key: ParsedKey, path: string): Promise<Server> {
  const server = createServer((socket) => {
    const agent = new ssh2.AgentProtocol(false);
    agent.on("identities", (request) => agent.getIdentitiesReply(request, [key]));
    agent.on("sign", (request, wanted, data, { hash }) => {
      if (key.getPublicSSH().equals(wanted.getPublicSSH())) {
        const signature = key.sign(data, hash);
        agent.signReply(request, key.type.startsWith("ecdsa-") ? fromDer(signature) : signature);
      } else agent.failureReply(request);
    });
    const giveUp = (): void => {
      socket.destroy();
    };
    agent.on("error", giveUp);
    socket.on("error", giveUp);
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5) {
        const end = 4 + rest.readUInt32BE(0);
        if (end > LONGEST) giveUp();
        if (rest.length < end) break;
        const message = rest.subarray(0, end);
        rest = rest.subarray(end);
        // ssh2 loses count after a message it does not know, such as OpenSSH's session-bind extension.
        if (message[4] === REQUEST_IDENTITIES || message[4] === SIGN_REQUEST) agent.write(message);
        else socket.write(FAILURE);
      }
    });
    agent.pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  server.unref();
  return server;
}

/** An ECDSA signature as SSH has it: the same two integers as in DER, each with a length of four bytes. */
function fromDer(der: Buffer): Buffer {
  const parts: Buffer[] = [];
  // SEQUENCE, its length in one byte or two, then INTEGER, length, content, twice.
  let at = der.readUInt8(1) < 0x80 ? 2 : 3;
  for (let count = 0; count < 2; count++) {
    const length = der.readUInt8(at + 1);
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(length);
    parts.push(prefix, der.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return Buffer.concat(parts);
}
