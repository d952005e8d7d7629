/** Serves on the socket that it was started with as descriptor 3, as systemd starts services; until stdin ends. */
import { serveHttp } from "../../../src/service/http/index.ts";
import { badDay, fakeService } from "./fixture.ts";

const server = await serveHttp(fakeService(badDay()), {
  listen: { fd: 3 },
  metrics: async () => ({ contentType: "text/plain", body: "" }),
  log: { info() {}, warn() {} },
});
process.stdout.write(`${server.address}\n`);
process.stdin.resume().once("end", () => void server.close());
