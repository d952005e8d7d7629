import { describe, expect, test } from "vitest";
import type { Notification } from "../../src/model/manifest.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { Status } from "../../src/model/status.ts";
import { afterLook, afterRun, type Failures } from "../../src/notify/failures.ts";
import { afterTelling, newsFor, type Told, withoutOld, withoutSettled } from "../../src/notify/news.ts";
import { type Problems, type Sight, updated } from "../../src/notify/problems.ts";
import { awayInRun, sightOfRun, sightOfStatus } from "../../src/notify/sight.ts";
import { at, blockedCopy, DAY, EVERYTHING, HOUR, operation, overdueCopy, plan, status, wanting } from "./worlds.ts";

const MINUTE = 60;
type Wishes = Pick<Notification, "events" | "remind">;

/** What one receiver is told, look by look: `failed tank/data→vault`. */
function story(wishes: Wishes, looks: readonly (readonly [seconds: number, sight: Sight])[]): string[][] {
  let problems: Problems = {};
  let told: Told = {};
  return looks.map(([seconds, sight]) => {
    const now = at(seconds);
    problems = updated(problems, sight, now);
    told = withoutOld(told, problems, wishes);
    problems = withoutSettled(problems, [told]);
    const news = newsFor(wishes, problems, told, now);
    told = afterTelling(told, news, now);
    return news.map(({ event, reminder, problem: { source, remote } }) =>
      [reminder ? "still" : "", event, source.replace("nas:", "") + (remote ? `→${remote}` : "")].join(" ").trim(),
    );
  });
}

const see = (one: Status, failures: Failures = {}): Sight => sightOfStatus(one, failures);
const failed = see(status(), afterRun({}, [operation("failed")]));
const good = see(status());
const blocked = see(status(blockedCopy));
const overdue = see(status(overdueCopy));
const both = see(status({ ...overdueCopy, ...blockedCopy }));
const away = see(status({ health: "away", unseen: true, message: "away" }));
const gone = see(status({}, { more: { sources: [] } }));
const suspended: Sight = see(status({ health: "suspended" }, { own: { health: "suspended" } }));
const unseenHost = see(
  status(
    { health: "unknown", unseen: true },
    {
      own: { health: "unknown", unseen: true },
      more: { complete: false, unobserved: [{ host: "vault", reason: "no route", expected: false }] as never },
    },
  ),
);

describe("what is told", () => {
  test.each<[string, Wishes, (readonly [number, Sight])[], string[][]]>([
    [
      "what is bad, once",
      EVERYTHING,
      [
        [0, blocked],
        [60, blocked],
        [HOUR, blocked],
      ],
      [["blocked tank/data→vault"], [], []],
    ],
    [
      "that it is over",
      EVERYTHING,
      [
        [0, failed],
        [60, good],
        [120, good],
      ],
      [["failed tank/data→vault"], ["recovered tank/data→vault"], []],
    ],
    [
      "nothing where nothing is",
      EVERYTHING,
      [
        [0, good],
        [DAY, good],
      ],
      [[], []],
    ],
    [
      "one thing after another",
      EVERYTHING,
      [
        [0, blocked],
        [DAY / 4, both],
      ],
      [["blocked tank/data→vault"], ["overdue tank/data→vault"]],
    ],
    ["two at once, the worst first", EVERYTHING, [[0, both]], [["blocked tank/data→vault", "overdue tank/data→vault"]]],
    [
      "what is still so, after a while",
      EVERYTHING,
      [
        [0, overdue],
        [23 * HOUR, overdue],
        [24 * HOUR, overdue],
        [25 * HOUR, overdue],
        [48 * HOUR, overdue],
      ],
      [["overdue tank/data→vault"], [], ["still overdue tank/data→vault"], [], ["still overdue tank/data→vault"]],
    ],
    [
      "reminders together",
      EVERYTHING,
      [
        [0, blocked],
        [6 * HOUR, both],
        [24 * HOUR, both],
        [30 * HOUR, both],
      ],
      [
        ["blocked tank/data→vault"],
        ["overdue tank/data→vault"],
        ["still blocked tank/data→vault", "still overdue tank/data→vault"],
        [],
      ],
    ],
    [
      "no reminder where none is wanted",
      { events: ["overdue"] },
      [
        [0, overdue],
        [9 * DAY, overdue],
      ],
      [["overdue tank/data→vault"], []],
    ],
    [
      "only what is asked for",
      { events: ["overdue", "recovered"] },
      [
        [0, blocked],
        [60, both],
        [120, blocked],
        [180, good],
      ],
      [[], ["overdue tank/data→vault"], ["recovered tank/data→vault"], []],
    ],
    [
      "no recovery where none is wanted",
      { events: ["failed"] },
      [
        [0, failed],
        [60, good],
        [120, failed],
      ],
      [["failed tank/data→vault"], [], ["failed tank/data→vault"]],
    ],
    [
      "what cannot be seen has not recovered",
      EVERYTHING,
      [
        [0, blocked],
        [60, away],
        [120, blocked],
        [180, good],
      ],
      [["blocked tank/data→vault"], [], [], ["recovered tank/data→vault"]],
    ],
    [
      "what left the manifest is forgotten",
      EVERYTHING,
      [
        [0, blocked],
        [60, gone],
        [120, good],
      ],
      [["blocked tank/data→vault"], [], []],
    ],
    [
      "what is suspended is forgotten",
      EVERYTHING,
      [
        [0, blocked],
        [60, suspended],
        [120, blocked],
      ],
      [["blocked tank/data→vault"], [], ["blocked tank/data→vault"]],
    ],
    [
      "a host that is lost for long, in one line",
      EVERYTHING,
      [
        [0, unseenHost],
        [5 * MINUTE, unseenHost],
        [16 * MINUTE, unseenHost],
        [HOUR, good],
      ],
      [[], [], ["failed vault"], ["recovered vault"]],
    ],
    [
      "a host that is lost for a moment: nothing",
      EVERYTHING,
      [
        [0, unseenHost],
        [60, good],
        [120, unseenHost],
      ],
      [[], [], []],
    ],
    [
      "what cannot be seen has not recovered, also when it is known to be overdue by now",
      EVERYTHING,
      [
        [0, blocked],
        [60, see(status({ ...overdueCopy, unseen: true }))],
        [120, good],
      ],
      [
        ["blocked tank/data→vault"],
        ["overdue tank/data→vault"],
        ["recovered tank/data→vault", "recovered tank/data→vault"],
      ],
    ],
    [
      "a clock that was ahead silences nothing",
      EVERYTHING,
      [
        [9 * DAY, overdue],
        [0, overdue],
      ],
      [["overdue tank/data→vault"], ["still overdue tank/data→vault"]],
    ],
    [
      "nor what was first seen by it, and has patience",
      EVERYTHING,
      [
        [9 * DAY, unseenHost],
        [0, unseenHost],
        [10 * MINUTE, unseenHost],
        [16 * MINUTE, unseenHost],
      ],
      [[], [], [], ["failed vault"]],
    ],
  ])("%s", (_, wishes, looks, expected) => {
    expect(story(wishes, looks)).toEqual(expected);
  });

  test("what a clock saw that was ahead, and nobody could be told of, is told by the right one", () => {
    const ahead = updated({}, blocked, at(9 * DAY));
    expect(newsFor(EVERYTHING, updated(ahead, blocked, at(0)), {}, at(0))).toHaveLength(1);
    expect(newsFor(EVERYTHING, updated(ahead, away, at(0)), {}, at(0))).toHaveLength(1);
  });

  test("what comes back before it was told to be over is not told anew", () => {
    let problems = updated({}, blocked, at(0));
    const told = afterTelling({}, newsFor(EVERYTHING, problems, {}, at(0)), at(0));
    problems = updated(problems, good, at(60));
    problems = updated(problems, blocked, at(120));
    expect(newsFor(EVERYTHING, problems, told, at(120))).toEqual([]);
  });
});

describe("failures", () => {
  test("last until an attempt at the same place succeeds", () => {
    const first = afterRun({}, [operation("failed"), operation("skipped", { remote: "usb" as never })]);
    expect(Object.values(first)).toEqual([
      {
        source: "nas:tank/data",
        remote: "vault",
        message: "send @daily: vault: connection lost",
        remedies: ["holdfast doctor"],
      },
    ]);
    expect(afterRun(first, [operation("interrupted")])).toEqual(first);
    expect(afterRun(first, [operation("done", { remote: "usb" as never })])).toEqual(first);
    expect(afterRun(first, [operation("done")])).toEqual({});
    expect(Object.keys(afterRun({}, [operation("done"), operation("failed")]))).toHaveLength(1);
  });

  test("last no longer than something is to be done there", () => {
    const failures = afterRun({}, [operation("failed")]);
    expect(afterLook(failures, wanting)).toEqual(failures);
    expect(afterLook(failures, plan({ complete: false }))).toEqual(failures);
    expect(afterLook(failures, plan())).toEqual({});
  });

  test("say what could not be read", () => {
    const [one] = Object.values(
      afterRun({}, [operation("partial", { backup: { unreadable: ["/a: permission denied", "/b: gone"] } })]),
    );
    expect(one?.message).toBe("send @daily: could not be read: /a: permission denied (and 1 more)");
  });
});

describe("a single run", () => {
  const copyOf = (rest: object) => ({
    source: "nas:tank/data",
    remote: "vault",
    at: { host: "vault", dataset: "b" },
    ...rest,
  });
  const kept = [copyOf({ snapshots: ["a"], reason: "count", detail: "" })] as unknown as Plan["kept"];
  const blockedPlan = plan({
    kept,
    blocked: [
      copyOf({ reason: "diverged", message: "diverged", evidence: [], remedies: ["x"] }),
    ] as unknown as Plan["blocked"],
  });
  const overduePlan = plan({
    kept,
    notes: [{ kind: "overdue", source: "nas:tank/data", remote: "vault", message: "old" }] as never,
  });
  test("tells of a removable repository once it was missed for longer than its copies may be old", () => {
    const unobserved = [
      { host: "nas", repository: "usb@nas", remote: "usb", reason: "no such device", expected: true },
      { host: "nas", repository: "disk@nas", remote: "disk", reason: "no such device", expected: true },
    ] as never;
    const remotes = new Map([
      ["usb", { maxAge: 10 * DAY }],
      ["disk", {}],
    ]) as never;
    const looks = (one: Plan): Sight => ({
      places: awayInRun(one, { remotes, mirrors: new Map() }),
      complete: true,
      narrowed: false,
    });
    const [missed, back] = [looks(plan({ unobserved })), looks(plan())];
    const seen = [0, 9 * DAY, 11 * DAY].map((seconds) => [seconds, missed] as const);
    expect(story(EVERYTHING, [...seen, [12 * DAY, back]])).toEqual([
      [],
      [],
      ["overdue usb@nas→usb"],
      ["recovered usb@nas→usb"],
    ]);
    expect(
      story(EVERYTHING, [
        [0, missed],
        [9 * DAY, back],
        [11 * DAY, missed],
      ]).flat(),
    ).toEqual([]);
  });

  const run = (one: Plan, operations = [] as ReturnType<typeof operation>[], narrowed = false): Sight =>
    sightOfRun({ plan: one, operations, narrowed }, afterRun({}, operations));

  test.each<[string, Sight[], string[][]]>([
    [
      "what is blocked, until it is not",
      [run(blockedPlan), run(blockedPlan), run(plan({ kept }))],
      [["blocked tank/data→vault"], [], ["recovered tank/data→vault"]],
    ],
    [
      "what failed, and what then succeeded",
      [run(wanting, [operation("failed")]), run(wanting, [operation("done")])],
      [["failed tank/data→vault"], ["recovered tank/data→vault"]],
    ],
    [
      "what is overdue, unless the run made up for it",
      [run(overduePlan), run(overduePlan, [operation("done")])],
      [["overdue tank/data→vault"], ["recovered tank/data→vault"]],
    ],
    [
      "nothing of what it was not asked for",
      [run(blockedPlan), run(plan(), [], true), run(plan({ complete: false }))],
      [["blocked tank/data→vault"], [], []],
    ],
    [
      "a host that could not be seen, at once",
      [
        run(plan({ complete: false, unobserved: [{ host: "vault", reason: "no route", expected: false }] as never })),
        run(plan({ kept })),
      ],
      [["failed vault"], ["recovered vault"]],
    ],
    [
      "nothing of a disk in a drawer",
      [run(plan({ unobserved: [{ host: "nas", remote: "usb", reason: "not there", expected: true }] as never }))],
      [[]],
    ],
  ])("tells %s", (_, sights, expected) => {
    expect(
      story(
        EVERYTHING,
        sights.map((sight, index) => [index * 60, sight] as const),
      ),
    ).toEqual(expected);
  });
});
