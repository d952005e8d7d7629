import { describe, expect, test } from "vitest";
import type { PlaceStatus } from "../../src/model/status.ts";
import type { Address, EpochSeconds, HostName, Seconds } from "../../src/model/units.ts";
import { renderStatus } from "../../src/render/status.ts";
import { renderCheck, renderUnknown } from "../../src/render/status-check.ts";
import * as fake from "../service/fake.ts";

const now = Date.UTC(2026, 10, 24, 12) / 1000;
const status = fake.statusOf(now, fake.threeSources(now));

describe("the table", () => {
  const lines = renderStatus(status, { color: false }).split("\n");

  test("shows all places, what is the matter and what to do", () => {
    expect(lines).toEqual([
      "nas01: 3 sources: 1 unknown, 1 overdue, 1 blocked",
      "  HEALTH     SOURCE          PLACE   NEWEST  AGE   DUE WITHIN  HAS      TO COME",
      "  ✓ ok       tank/data       itself  daily   10 m  -           7 daily",
      "  ! overdue                  vault   daily   3 d   2 d         7 daily  3, 4.8 MiB",
      "  ! blocked  tank/vm         itself  daily   10 m  -           7 daily",
      "      4 deletions withheld",
      "      next: apply --resolve vault=rollback",
      "  ! blocked                  vault   daily   2 d   -           7 daily",
      "      next: apply --resolve vault=rollback",
      '  ✓ ok       /srv/wéb "x"\\n  usb     daily   1 h   -           7 daily',
      "  ? unknown                  cloud   none    -     -           0 daily",
      "2 datasets in no entry of the manifest: holdfast plan names them",
      "Looked just now.",
      "",
    ]);
  });

  test("says whose answer it is, and how old", () => {
    const later = { ...status, now: new Date((now + 125) * 1000).toISOString() };
    const text = renderStatus(later, { color: false, from: { service: "127.0.0.1:9469" } });
    expect(text).toContain("From the service at 127.0.0.1:9469, which looked 2 m 5 s ago; --fresh looks now.");
  });

  test("never by colour alone, and nothing from outside reaches the terminal as it is", () => {
    const hostile = fake.source(
      "tank/\u001b[2J",
      fake.place(now, 60, { health: "failed", message: "\u001b]0;x\u0007\nok" }),
      [],
    );
    const text = renderStatus(fake.statusOf(now, [hostile]), { color: true });
    expect(text).toContain("x failed");
    expect(text).not.toContain("\u001b[2J");
    expect(text).not.toContain("\u001b]0");
  });

  test("what cannot be seen, and what can be done about it", () => {
    const unobserved = [
      { host: "vault" as HostName, reason: "no route to host", hint: "holdfast doctor", expected: false },
      { host: fake.nas, repository: "usb@nas01" as never, reason: "not mounted", expected: true },
    ];
    const text = renderStatus({ ...status, unobserved }, { color: false });
    expect(text).toContain("Not seen: vault: no route to host\n  next: holdfast doctor\n");
    expect(text).toContain("Away: usb@nas01: not mounted\n");
  });

  test("stalled since when, where a service knows", () => {
    const conditions = [
      { type: "Stalled", status: true, reason: "Retrying", message: "no space left", since: "2026-11-24T11:00:00Z" },
    ] as const;
    const sources = [
      fake.source("tank/a", fake.place(now, 60, { health: "failed", message: "failed", conditions }), []),
    ];
    expect(renderStatus(fake.statusOf(now, sources), { color: false })).toContain(
      "stalled since 2026-11-24T11:00:00Z: no space left",
    );
  });
});

describe("the plugin's line", () => {
  const check = (...places: PlaceStatus[]) =>
    renderCheck(
      fake.statusOf(
        now,
        places.map((place, index) => fake.source(`tank/${index}`, place, [])),
      ),
    );
  const late = { overdue: true, dueWithin: 60 as Seconds };

  test.each<[string, PlaceStatus[], string, number]>([
    ["ok", [fake.place(now, 60)], "OK", 0],
    ["something to come", [fake.place(now, 60, { health: "waiting" })], "OK", 0],
    ["a disk that is away", [fake.place(now, 60, { health: "away" })], "OK", 0],
    ["suspended", [fake.place(now, 60, { ...fake.blockedBy("diverged"), health: "suspended" })], "OK", 0],
    ["failed once", [fake.place(now, 60, { health: "failed" })], "WARNING", 1],
    ["failed, and late by now", [fake.place(now, 120, { health: "failed", ...late })], "CRITICAL", 2],
    ["deletions withheld", [fake.place(now, 60, fake.blockedBy("withheld"))], "WARNING", 1],
    ["diverged", [fake.place(now, 60, fake.blockedBy("diverged"))], "CRITICAL", 2],
    ["late", [fake.place(now, 120, { health: "overdue", ...late })], "CRITICAL", 2],
    ["not to be seen", [fake.place(now, 60, { health: "unknown" })], "UNKNOWN", 3],
    [
      "worse outweighs unknown",
      [fake.place(now, 60, { health: "unknown" }), fake.place(now, 60, { health: "failed" })],
      "WARNING",
      1,
    ],
  ])("%s", (_, places, state, code) => {
    const answer = check(...places);
    expect(answer.line.split(" ")[1]).toBe(state);
    expect(answer.code).toBe(code);
  });

  test("names the worst, counts the others", () => {
    expect(renderCheck(status).line).toBe(
      "HOLDFAST CRITICAL - tank/data on vault overdue; 3 other places not in order; 3 sources|" +
        "sources=3 overdue=1 blocked=2 failed=0 unknown=1 withheld=4 waiting=3 waiting_bytes=5000000B " +
        "'tank/data'=600s;;;0 'tank/data on vault'=259200s;;172800;0 'tank/vm'=600s;;;0 'tank/vm on vault'=172800s;;;0 " +
        `'/srv/wéb "x"\\n on usb'=3600s;;;0`,
    );
  });

  test("a host that cannot be seen at all has no place: UNKNOWN", () => {
    const unobserved = [{ host: "nas02" as HostName, reason: "no route to host", expected: false }];
    const blind = { ...fake.statusOf(now, []), complete: false, health: "unknown" as const, unobserved };
    expect(renderCheck(blind)).toMatchObject({ code: 3, line: expect.stringContaining("nas02: no route to host") });
  });

  test("stays one line, whatever names hold", () => {
    const hostile = { ...fake.source("x", fake.place(now, 60), []), source: "nas01:a|b'c=d\ne" as Address };
    const { line } = renderCheck(fake.statusOf(now, [hostile]));
    expect(line.split("\n")).toHaveLength(1);
    expect(line.match(/\|/g)).toHaveLength(1);
    expect(line).toContain("'a/b''c:d\\ne'=60s");
    expect(renderUnknown("a|b\nc")).toEqual({ code: 3, line: "HOLDFAST UNKNOWN - a/b; c" });
  });

  test("of a place without a copy there is no age", () => {
    expect(check(fake.place(now, undefined)).line).not.toContain("'tank/0'=");
  });

  test("ages are whole seconds", () => {
    const creation = (now - 61) as EpochSeconds;
    expect(check(fake.place(now, 61, { newest: { name: "d", creation } })).line).toContain("'tank/0'=61s;;;0");
  });
});
