import { describe, expect, it, test } from "vitest";
import { lines, parse, said, valid } from "./helpers.ts";

const service = (keys: string) => valid(`version: 1\nservice: { ${keys} }`).service;

describe("how the service works", () => {
  it("when nothing is said", () => {
    const all = { every: 300, jitter: 10, listen: { host: "127.0.0.1", port: 9469 } };
    expect(valid("version: 1").service).toEqual(all);
    expect(service("")).toEqual(all);
  });

  test.each([
    ["every: 1h30m", { every: 5400 }],
    ["jitter: 50%", { jitter: 50 }],
    ["listen: '[::1]:80'", { listen: { host: "::1", port: 80 } }],
    ["listen: localhost:65535", { listen: { host: "localhost", port: 65_535 } }],
    ["names: [backups.example.net, nas]", { names: ["backups.example.net", "nas"] }],
    ["token: { file: api.token }", { token: { file: "/etc/holdfast/api.token" } }],
    [
      "listen: 0.0.0.0:9469, token: { env: TOKEN }",
      { listen: { host: "0.0.0.0", port: 9469 }, token: { env: "TOKEN" } },
    ],
  ])("%s", (keys, settings) => expect(service(keys)).toMatchObject(settings));

  it("without an address where nothing is to be served", () => {
    expect(service("listen: off").listen).toBeUndefined();
  });

  test.each([
    ["listen: 0.0.0.0:9469", "open-service"],
    ["listen: nas.example.net:9469", "open-service"],
    ["listen: '[::]:9469'", "open-service"],
    ["listen: 127.0.0.1:0", "bad-listen"],
    ["listen: 127.0.0.1:70000", "bad-listen"],
    ["listen: 9469", "bad-listen"],
    ["listen: '9469'", "bad-listen"],
    ["names: ['backups.example.net:9469']", "bad-address"],
    ["names: ['https://backups.example.net']", "bad-address"],
    ["names: ['*']", "bad-address"],
    ["every: 1s", "bad-duration"],
    ["every: 5", "bad-duration"],
    ["jitter: 0%", "bad-percent"],
    ["evry: 5m", "unknown-key"],
    ["token: letmein", "inline-secret"],
  ])("%s is refused: %s", (keys, code) => {
    const parsed = parse(`version: 1\nservice: { ${keys} }`);
    expect(lines(parsed).map((line) => line.split(" ")[1])).toEqual([code]);
    expect(said(parsed).join()).not.toContain("letmein");
  });
});
