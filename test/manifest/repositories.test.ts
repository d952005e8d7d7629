import { describe, expect, it } from "vitest";
import type { RemoteName } from "../../src/model/units.ts";
import { lines, parse, said, valid } from "./helpers.ts";

type Case = readonly [name: string, text: string, expected: readonly string[]];

const table: readonly Case[] = [
  [
    "what every repository needs",
    `
    version: 1
    remotes:
      a: { type: restic }
      b: { type: restic, repository: /srv/b }
    mirrors:
      c: { repository: /srv/c, password: { file: x } }
      d: { of: b, type: restic, repository: /srv/d, password: { file: x } }
    `,
    ["3:3 missing-key", "3:3 missing-key", "4:3 missing-key", "6:3 missing-key", "7:15 unknown-key"],
  ],
  [
    "a key that is misspelt is not missing as well",
    `
    version: 1
    remotes:
      a: { type: restic, repositori: /srv/a, password: { file: x } }
    `,
    ["3:22 unknown-key"],
  ],
  [
    "where repositories are",
    `
    version: 1
    remotes:
      a: { type: restic, repository: "", password: { file: x } }
      b: { type: restic, repository: "rest:", password: { file: x } }
      c: { type: restic, repository: "rets:https://host/", password: { file: x } }
      d: { type: restic, repository: "https://host/", password: { file: x } }
      e: { type: restic, repository: "s3:https://host/{hots}", password: { file: x } }
      f: { type: restic, repository: 5, password: { file: x } }
      g: { type: restic, repository: { file: x, env: Y }, password: { file: x } }
      h: { type: restic, repository: {}, password: { file: x } }
      i: { type: restic, repository: "rest:https://me:hunter2@host/", password: { file: x } }
      j: { type: restic, repository: "rest:https://me@host/", password: { file: x } }
      k: { type: restic, repository: "local:", password: { file: x } }
    `,
    [
      "3:34 bad-repository",
      "4:34 bad-repository",
      "5:34 bad-repository",
      "6:34 bad-repository",
      "7:34 bad-repository",
      "8:34 bad-text",
      "9:22 bad-value",
      "10:22 empty-value",
      "11:22 inline-secret",
      "13:34 bad-repository",
    ],
  ],
  [
    "a removable disk whose empty mount point looks like a new place",
    `
    version: 1
    remotes:
      a: { type: restic, repository: /mnt/a, password: { file: x }, init: true, removable: true }
      b: { type: restic, repository: /mnt/b, password: { file: x }, init: true, removable: true, requireMount: /mnt }
      c: { type: restic, repository: /mnt/c, password: { file: x }, removable: true }
      d: { type: restic, repository: /mnt/d, password: { file: x }, init: true }
      e: { type: restic, repository: "sftp:h:e", password: { file: x }, init: true, removable: true }
      f:
        { type: restic, repository: /mnt/f, password: { file: x }, init: true, removable: true,
          hooks: [{ around: remote, before: [mount, /mnt/f] }] }
    mirrors:
      m: { of: a, repository: /mnt/m, password: { file: x }, init: true, removable: true }
    `,
    ["3:65 warning no-mount-required", "12:58 warning no-mount-required"],
  ],
  [
    "one repository under two names",
    `
    version: 1
    hosts: { nas: {}, other: {} }
    remotes:
      a: { type: restic, repository: "s3:https://host/{host}", password: { file: x } }
      b: { type: restic, repository: "s3:https://host/other/", password: { file: x } }
      c: { type: restic, repository: repo, password: { file: x } }
      d: { type: restic, repository: "local:/etc/holdfast/repo/", password: { file: x } }
      e: { type: restic, repository: { env: PLACE }, password: { file: x } }
      f: { type: restic, repository: "rclone:r:x", password: { file: x }, environment: { RCLONE_CONFIG: /a } }
      g: { type: restic, repository: "rclone:r:x", password: { file: x }, environment: { RCLONE_CONFIG: /b } }
      h: { type: restic, repository: "/srv/{host}", password: { file: x } }
    mirrors:
      m: { of: a, repository: { env: PLACE }, password: { file: x } }
      n: { of: a, repository: "rclone:r:x", password: { file: x }, environment: { RCLONE_CONFIG: /a } }
      o: { of: a, repository: /srv/nas, password: { file: x } }
    `,
    [
      "5:34 same-repository",
      "7:34 same-repository",
      "13:15 same-repository",
      "14:27 same-repository",
      "15:27 same-repository",
    ],
  ],
  [
    "mirrors of what they cannot be filled from",
    `
    version: 1
    remotes:
      usb: { type: zfs, root: usb/b }
      b2: { type: restic, repository: "b2:bucket:", password: { file: x } }
    mirrors:
      a: { of: b3, repository: /srv/a, password: { file: x } }
      b: { of: usb, repository: /srv/b, password: { file: x } }
      c: { of: c, repository: /srv/c, password: { file: x } }
      d: { of: a, repository: /srv/d, password: { file: x } }
      b2: { of: b2, repository: /srv/e, password: { file: x } }
      f: { of: b2, repository: /srv/f, password: { file: x } }
    `,
    [
      "6:12 unknown-remote",
      "7:12 bad-original",
      "8:12 bad-original",
      "9:12 bad-original",
      "10:3 duplicate-name",
      "10:13 bad-original",
    ],
  ],
  [
    "the environment",
    `
    version: 1
    remotes:
      b2:
        type: restic
        repository: /srv/b2
        password: { file: x }
        environment:
          AWS_DEFAULT_REGION: eu-1
          AWS_SECRET_ACCESS_KEY: hunter2
          OS_PASSWORD: 12345
          B2_ACCOUNT_KEY: { file: b2.key }
          HTTPS_PROXY: http://me:hunter2@proxy:3128
          RCLONE_TRANSFERS: 4
          RESTIC_PASSWORD_FILE: /x
          RESTIC_REPOSITORY: /y
          TZ: Europe/Berlin
          "not a name": x
          AZURE_ACCOUNT_SAS: ""
          PATH: /opt/restic
    `,
    [
      "9:7 inline-secret",
      "10:7 inline-secret",
      "12:7 inline-secret",
      "13:25 bad-text",
      "14:7 own-variable",
      "15:7 own-variable",
      "16:7 own-variable",
      "17:7 bad-name",
      "19:7 own-variable",
    ],
  ],
  [
    "numbers and choices",
    `
    version: 1
    remotes:
      a: { type: restic, repository: /srv/a, password: { file: x }, limit: { upload: 512B/s, download: 1 } }
      b: { type: restic, repository: /srv/b, password: { file: x }, packSize: 1GiB, retryLock: 0s, maxAge: 30 }
      c: { type: restic, repository: /srv/c, password: { file: x }, priority: lowest, compression: min }
      d: { type: restic, repository: /srv/d, password: { file: x }, requireMount: mnt/usb, cacheDir: "" }
      e: { type: restic, repository: /srv/e, password: { file: x }, packSize: 64, deletions: no, init: yes }
    `,
    [
      "3:82 bad-rate",
      "3:100 bad-rate",
      "4:75 bad-size",
      "4:92 bad-duration",
      "4:104 bad-duration",
      "5:75 bad-value",
      "5:96 bad-value",
      "6:79 bad-path",
      "6:98 bad-path",
      "7:75 bad-size",
      "7:90 bad-value",
      "7:100 wrong-type",
    ],
  ],
  [
    "maintenance",
    `
    version: 1
    remotes:
      a: { type: restic, repository: /srv/a, password: { file: x }, maintenance: { prune: {}, chekc: {} } }
      b:
        type: restic
        repository: /srv/b
        password: { file: x }
        deletions: never
        maintenance:
          prune: { schedule: "0 4 * *", maxUnused: 100% }
          check: { schedule: "0 0 31 2 *", timezone: Europe/Atlantis, readData: 0% }
      c:
        type: restic
        repository: /srv/c
        password: { file: x }
        maintenance:
          prune: { schedule: "0 4 * * 0", maxUnused: 5 }
          check: { schedule: "0 5 * * 0", readData: 5 }
    `,
    [
      "3:80 missing-key",
      "3:91 unknown-key",
      "10:7 conflicting-keys",
      "10:26 bad-schedule",
      "10:48 bad-size",
      "11:26 bad-schedule",
      "11:50 bad-timezone",
      "11:77 bad-percent",
      "17:50 bad-size",
      "18:49 bad-percent",
    ],
  ],
  [
    "copies of other tools",
    `
    version: 1
    remotes:
      usb: { type: zfs, root: usb/b }
      b2:
        type: restic
        repository: /srv/b2
        password: { file: x }
        adopt:
          - {}
          - { tag: "a,b" }
          - { path: srv/app }
          - { tag: a, type: dialy }
          - { tag: a, source: tank/app }
          - { tag: a, source: tank/data }
          - { tag: a, source: tank/only-usb }
          - { tag: a, source: "tank/*" }
          - { tag: a, source: /etc }
          - { tag: a, source: /srv }
          - { tag: a, source: "nsa:/etc" }
          - { type: daily }
    mirrors:
      m: { of: b2, repository: /srv/m, password: { file: x }, adopt: [{ tag: a, source: tank/data }] }
    datasets:
      tank/data: { keep: { daily: 1 }, remotes: { b2: {} } }
      tank/only-usb: { keep: { daily: 1 }, remotes: { usb: {} } }
    directories:
      /etc: { keep: { daily: 1 }, remotes: { b2: {} } }
    `,
    [
      "9:9 missing-key",
      "10:16 bad-value",
      "11:17 bad-path",
      "12:25 unknown-type",
      "13:27 unknown-source",
      "15:27 unknown-copy",
      "16:27 bad-dataset",
      "18:27 unknown-source",
      "19:27 unknown-host",
      "20:9 missing-key",
    ],
  ],
  [
    "hooks of repositories",
    `
    version: 1
    remotes:
      b2:
        type: restic
        repository: /srv/b2
        password: { file: x }
        hooks:
          - { around: remote }
          - { around: snapshot, before: [x] }
          - { before: [x] }
          - { around: remote, before: [] }
          - { around: remote, before: mount /mnt/usb, timeout: 0s }
          - { around: remote, before: [mount, 5], onFailure: ignore }
          - { around: remote, after: { htpp: { url: x } } }
          - { around: remote, after: { http: {} } }
          - { around: remote, after: { http: { url: "ftp://host/", method: POTS } } }
          - { around: remote, after: { http: { url: "http://host/", method: GET, body: x } } }
          - { around: remote, after: { http: { url: { file: x }, headers: { "a b": x, Authorization: Bearer x } } } }
    `,
    [
      "8:9 missing-key",
      "9:19 bad-value",
      "10:9 missing-key",
      "11:27 bad-command",
      "12:35 bad-command",
      "12:60 bad-duration",
      "13:43 wrong-type",
      "13:58 bad-value",
      "14:27 missing-key",
      "14:36 unknown-key",
      "15:36 missing-key",
      "16:49 bad-url",
      "16:72 bad-value",
      "17:78 conflicting-keys",
      "18:73 bad-name",
      "18:83 inline-secret",
    ],
  ],
  [
    "copies in repositories: no target, and no mirrors",
    `
    version: 1
    remotes: { b2: { type: restic, repository: /srv/b2, password: { file: x } } }
    mirrors: { m: { of: b2, repository: /srv/m, password: { file: x } } }
    policies: { p: { remotes: { b2: { target: tank/x } } } }
    defaults: { keep: { daily: 1 } }
    datasets:
      tank/a: { remotes: { b2: { target: tank/y } } }
      tank/b: { remotes: { m: {} } }
      tank/c: { policy: p }
      tank/d: { remotes: { b2: { keep: { weekly: 1 } } } }
      tank/e: { remotes: { b22: {} } }
    `,
    [
      "4:35 conflicting-keys",
      "7:30 conflicting-keys",
      "8:24 mirror-as-remote",
      "10:38 never-taken",
      "11:24 unknown-remote",
    ],
  ],
  [
    "hosts that share a repository",
    `
    version: 1
    hosts: { nas: {}, other: {} }
    remotes: { b2: { type: restic, repository: "b2:bucket:", password: { file: x } } }
    datasets:
      "*:tank": { keep: { daily: 1 }, recursive: true, remotes: { b2: {} } }
    `,
    [],
  ],
  [
    "approvals",
    `
    version: 1
    hosts: { nas: {} }
    remotes:
      usb: { type: zfs, root: usb/b }
      b2: { type: restic, repository: /srv/b2, password: { file: x } }
    mirrors: { m: { of: b2, repository: /srv/m, password: { file: x } } }
    datasets:
      tank: { keep: { daily: 1 }, remotes: { usb: {}, b2: {} } }
      dozer: { keep: { daily: 1 }, remotes: { usb: {} } }
    directories:
      /etc: { keep: { daily: 1 }, remotes: { b2: {} } }
    approvals:
      - { source: tank, remote: b2, destroy: 3, until: 2026-12-01 }
      - { source: tank, remote: m, destroy: 3, until: 2026-12-01 }
      - { source: dozer, remote: m, destroy: 3, until: 2026-12-01 }
      - { source: /etc, destroy: 3, until: 2026-12-01 }
      - { source: "nas:/etc/", remote: b2, destroy: 3, until: 2026-12-01 }
      - { source: /etc, remote: usb, destroy: 3, until: 2026-12-01 }
      - { source: /srv, destroy: 3, until: 2026-12-01 }
      - { source: "/et*", destroy: 3, until: 2026-12-01 }
      - { source: tank, remote: b2, resolve: rollback, until: 2026-12-01 }
      - { source: tank, remote: m, resolve: replace, until: 2026-12-01 }
      - { source: /etc, remote: b2, resolve: replace, until: 2026-12-01 }
    `,
    [
      "15:30 unknown-copy",
      "18:29 unknown-copy",
      "19:15 unknown-source",
      "20:15 bad-directory",
      "21:42 conflicting-keys",
      "22:41 conflicting-keys",
      "23:15 bad-dataset",
    ],
  ],
];

describe("repositories", () => {
  it.each(table)("%s", (_, text, expected) => {
    expect(lines(parse(text))).toEqual(expected);
  });

  const b2 = (keys: string) => `version: 1\nremotes: { b2: { type: restic, ${keys} } }`;
  const with_ = (keys: string) => b2(`repository: /srv/b2, password: { file: x }, ${keys}`);

  it.each([
    [
      b2("repository: 'rest:https://me:pass@host/', password: hunter2"),
      "remotes.b2.repository has a password in it and cannot stand in the manifest | write `repository: { file: /etc/holdfast/b2.repository }`, and the whole of it into that file",
      "remotes.b2.password is a secret and cannot stand in the manifest | write `password: { file: /etc/holdfast/b2.password }`",
    ],
    [
      b2("repository: https://host/x, password: { file: x }"),
      'restic has no backend "https" | write rest:https://… for a REST server, s3:https://… for S3',
    ],
    [b2("repository: 'stfp:host:/x', password: { file: x }"), 'restic has no backend "stfp" | did you mean sftp:?'],
    [
      b2("repository: 'C:/x', password: { file: x }"),
      'restic has no backend "C" | for a folder write local:PATH; backends: azure, b2, gs, rclone, rest, s3, sftp, swift',
    ],
    [
      b2("repository: '/srv/{hots}', password: { file: x }"),
      'only {host} may stand in braces, not "{hots}" | write {host} for the name of the source\'s host',
    ],
    [
      with_("AWS_DEFAULT_REGION: eu-1"),
      'unknown key "AWS_DEFAULT_REGION" in remotes.b2 | variables of the environment stand below `environment`',
    ],
    [
      with_("environment: { RCLONE_TRANSFERS: 4 }"),
      'remotes.b2.environment.RCLONE_TRANSFERS must be text, or a reference to it: { file: PATH }, { env: NAME }, { command: [PROGRAM, ARGUMENT] } or { credential: NAME }, not 4 | write `RCLONE_TRANSFERS: "4"`',
    ],
    [
      with_("environment: { B2_ACCOUNT_KEY: 4711 }"),
      "remotes.b2.environment.B2_ACCOUNT_KEY is a secret and cannot stand in the manifest | write `B2_ACCOUNT_KEY: { file: /etc/holdfast/b2.B2_ACCOUNT_KEY }`",
    ],
    [
      with_("environment: { RESTIC_CACHE_DIR: /x }"),
      "RESTIC_CACHE_DIR is set by Holdfast itself | write it as `cacheDir`",
    ],
    [
      with_("hooks: [{ around: remote, before: mount /mnt/usb }]"),
      'remotes.b2.hooks[0].before must be a program and its arguments as a list, such as [systemctl, stop, app], or { http: { url: URL } }, not "mount /mnt/usb" | write `before: ["mount", "/mnt/usb"]`',
    ],
    [
      with_("hooks: [{ around: remote, after: 'sync; umount /mnt/usb' }]"),
      'remotes.b2.hooks[0].after must be a program and its arguments as a list, such as [systemctl, stop, app], or { http: { url: URL } }, not "sync; umount /mnt/usb" | write `after: ["sh", "-c", "sync; umount /mnt/usb"]`',
    ],
    [with_("hooks: [{ around: snapshot, after: [x] }]"), 'remotes.b2.hooks[0].around must be remote, not "snapshot"'],
    [
      with_("maintenance: { check: { schedule: '0 5 * * 0', readData: 5 } }"),
      "remotes.b2.maintenance.check.readData must be a share from 1% to 100%, such as 5%; 5 has no unit",
    ],
    [
      with_("adopt: [{ type: daily }]"),
      "remotes.b2.adopt[0] does not say which copies: it needs tag, host or path | say what they have in common, such as `tag: nightly`; `restic snapshots` shows it",
    ],
    [
      "version: 1\nremotes: { usb: { type: zfs, root: usb/b } }\nmirrors: { m: { of: usb, repository: /m, password: { file: x } } }",
      "remote usb is of type zfs, and a mirror is filled from a restic repository | declare a remote of type restic",
    ],
    [
      `${with_("")}\nmirrors: { m: { of: b22, repository: /m, password: { file: x } } }`,
      'there is no remote "b22" | did you mean b2?',
    ],
    [
      `${with_("")}\nmirrors: { m: { of: b2, repository: "local:/srv/b2/", password: { file: x } } }`,
      'remote b2 and mirror m are one repository, "/srv/b2" | give one of them another place, or leave it out',
    ],
    [
      `${with_("")}\nmirrors: { m: { of: b2, repository: /m, password: { file: x } } }\ndatasets: { tank: { keep: { daily: 1 }, remotes: { m: {} } } }`,
      '"m" is a mirror: it is filled from b2, never by a backup | name b2; what is kept there comes to m by itself',
    ],
    [
      `${with_("")}\ndatasets: { tank: { keep: { daily: 1 }, remotes: { b2: { target: tank/x } } } }`,
      "remote b2 is a restic repository: target names a dataset, and there is none | remove target: in a repository the copies of all sources lie side by side",
    ],
  ])("says what is wrong and what to write: %s", (text, ...expected) => {
    expect(said(parse(text))).toEqual(expected);
  });

  it("names both places of one repository", () => {
    const { diagnostics } = parse(
      `${with_("")}\nmirrors: { m: { of: b2, repository: /srv/b2, password: { file: x } } }`,
    );
    expect(diagnostics[0]).toMatchObject({
      place: { line: 3, column: 37 },
      related: [{ place: { line: 2, column: 32 }, message: "remote b2" }],
    });
  });
});

const repository = (keys: string) =>
  valid(
    `version: 1\ntimezone: Europe/Berlin\nremotes: { b2: { type: restic, password: { file: b2.password }, ${keys} } }`,
  ).remotes.get("b2" as RemoteName);
const at = (location: string) => repository(`repository: ${JSON.stringify(location)}`);

describe("what the model holds", () => {
  it("of a repository that says nothing", () => {
    expect(repository("repository: 's3:https://host/{host}'")).toEqual({
      name: "b2",
      type: "restic",
      location: "s3:https://host/{host}",
      password: { file: "/etc/holdfast/b2.password" },
      environment: new Map(),
      init: false,
      limit: {},
      priority: "normal",
      deletions: "allow",
      removable: false,
      whileAway: "thin",
      maintenance: {},
      adopt: [],
      hooks: [],
    });
  });

  it.each([
    ["repo", "/etc/holdfast/repo"],
    ["./repo/", "/etc/holdfast/repo"],
    ["../repo", "/etc/repo"],
    ["local:repo", "/etc/holdfast/repo"],
    ["local:/srv/repo", "/srv/repo"],
    ["/srv//repo/{host}/", "/srv/repo/{host}"],
    ["~/repo", "/home/me/repo"],
    ["./rest:x", "/etc/holdfast/rest:x"],
    ["b2:bucket:path", "b2:bucket:path"],
    ["rest:https://me@host:8000/x/", "rest:https://me@host:8000/x/"],
    ["s3:https://host/bucket", "s3:https://host/bucket"],
    ["sftp:user@host:repo", "sftp:user@host:repo"],
    ["rclone:remote:repo", "rclone:remote:repo"],
    ["azure:container:/", "azure:container:/"],
    ["gs:bucket:/", "gs:bucket:/"],
    ["swift:container:/", "swift:container:/"],
  ])("of a repository at %s", (text, location) => {
    expect(at(text)).toMatchObject({ location });
  });

  it.each([
    ["repository: { command: [pass, b2] }", { location: { command: ["pass", "b2"] } }],
    ["repository: { file: b2.url }", { location: { file: "/etc/holdfast/b2.url" } }],
    [
      "environment: { AWS_DEFAULT_REGION: eu-1, AWS_SECRET_ACCESS_KEY: { file: key }, B2_ACCOUNT_ID: { env: ID } }",
      {
        environment: new Map<string, unknown>([
          ["AWS_DEFAULT_REGION", "eu-1"],
          ["AWS_SECRET_ACCESS_KEY", { file: "/etc/holdfast/key" }],
          ["B2_ACCOUNT_ID", { env: "ID" }],
        ]),
      },
    ],
    ["init: true", { init: true }],
    ["requireMount: /mnt//usb/", { requireMount: "/mnt/usb" }],
    ["limit: { upload: 2MiB/s, download: 1.5MB/s }", { limit: { upload: 2 * 2 ** 20, download: 1_500_000 } }],
    ["priority: idle", { priority: "idle" }],
    ["compression: off", { compression: "off" }],
    ["packSize: 64MiB", { packSize: 64 * 2 ** 20 }],
    ["cacheDir: cache", { cacheFolder: "/etc/holdfast/cache" }],
    ["cacheDir: /var/cache/restic", { cacheFolder: "/var/cache/restic" }],
    ["retryLock: 5m", { retryLock: 300 }],
    ["deletions: never", { deletions: "never" }],
    ["removable: true, maxAge: 35d", { removable: true, whileAway: "thin", maxAge: 35 * 86_400 }],
    ["whileAway: freeze", { whileAway: "freeze" }],
    ["keep: { daily: 60 }", { keep: { by: "type", types: new Map([["daily", { count: 60 }]]) } }],
    ["keepByTime: { within: 14d }", { keep: { by: "time", within: { years: 0, months: 0, days: 14, hours: 0 } } }],
    [
      "maintenance: { prune: { schedule: '0 4 * * 0', maxUnused: 10% } }",
      { maintenance: { prune: { schedule: "0 4 * * 0", timezone: "Europe/Berlin", maxUnused: "10%" } } },
    ],
    [
      "maintenance: { prune: { schedule: '0 4 * * 0', timezone: UTC, maxUnused: 5GiB } }",
      { maintenance: { prune: { schedule: "0 4 * * 0", timezone: "UTC", maxUnused: String(5 * 2 ** 30) } } },
    ],
    [
      "maintenance: { prune: { schedule: '0 4 * * 0', maxUnused: 0B } }",
      { maintenance: { prune: { maxUnused: "0" } } },
    ],
    [
      "maintenance: { prune: { schedule: '0 4 * * 0', maxUnused: unlimited } }",
      { maintenance: { prune: { maxUnused: "unlimited" } } },
    ],
    [
      "maintenance: { check: { schedule: '0 5 * * 0', readData: 5% } }",
      { maintenance: { check: { schedule: "0 5 * * 0", timezone: "Europe/Berlin", readData: 5 } } },
    ],
    [
      "adopt: [{ tag: x7Yq2, host: nas, path: /mnt/x/ }, { tag: a, type: daily }]",
      {
        adopt: [
          { tag: "x7Yq2", host: "nas", path: "/mnt/x" },
          { tag: "a", type: "daily" },
        ],
      },
    ],
    [
      "hooks: [{ around: remote, before: [mount, /mnt/usb], after: [umount, /mnt/usb] }]",
      {
        hooks: [
          {
            around: "remote",
            before: { command: ["mount", "/mnt/usb"] },
            after: { command: ["umount", "/mnt/usb"] },
            timeout: 60,
            onFailure: "abort",
          },
        ],
      },
    ],
    [
      "hooks: [{ around: remote, after: { http: { url: { file: url }, headers: { Authorization: { env: TOKEN }, X-A: b } } }, timeout: 5m, onFailure: warn }]",
      {
        hooks: [
          {
            after: {
              http: {
                url: { file: "/etc/holdfast/url" },
                method: "POST",
                headers: Object.fromEntries([
                  ["Authorization", { env: "TOKEN" }],
                  ["X-A", "b"],
                ]),
              },
            },
            timeout: 300,
            onFailure: "warn",
          },
        ],
      },
    ],
    [
      "hooks: [{ around: remote, before: { http: { url: 'https://host/x', method: PUT, body: '{}' } } }]",
      { hooks: [{ before: { http: { url: "https://host/x", method: "PUT", headers: {}, body: "{}" } } }] },
    ],
  ])("of a repository with %s", (keys, expected) => {
    const place = keys.startsWith("repository") ? "" : "repository: /srv/b2, ";
    expect(repository(place + keys)).toMatchObject(expected);
  });

  it("of a mirror: all that a repository has, and what it is filled from", () => {
    const { mirrors } = valid(`
    version: 1
    remotes: { b2: { type: restic, repository: "b2:x:", password: { file: x } } }
    mirrors:
      second:
        of: b2
        repository: mirror
        password: { env: PASSWORD }
        keep: { daily: 7 }
        deletions: never
    `);
    expect(mirrors.get("second" as RemoteName)).toEqual({
      name: "second",
      of: "b2",
      location: "/etc/holdfast/mirror",
      password: { env: "PASSWORD" },
      environment: new Map(),
      init: false,
      limit: {},
      priority: "normal",
      deletions: "never",
      removable: false,
      whileAway: "thin",
      keep: { by: "type", types: new Map([["daily", { count: 7 }]]) },
      maintenance: {},
      adopt: [],
      hooks: [],
    });
  });

  it("of adoption: the whole address of its source", () => {
    const { remotes } = valid(`
    version: 1
    hosts: { nas: {} }
    remotes:
      b2:
        type: restic
        repository: /srv/b2
        password: { file: x }
        adopt: [{ tag: a, source: tank/app }, { tag: b, source: "nas:/etc/" }]
    datasets: { tank: { keep: { daily: 1 }, recursive: true, remotes: { b2: {} } } }
    directories: { /etc: { keep: { daily: 1 }, remotes: { b2: {} } } }
    `);
    expect(remotes.get("b2" as RemoteName)).toMatchObject({
      adopt: [
        { tag: "a", source: "nas:tank/app" },
        { tag: "b", source: "nas:/etc" },
      ],
    });
  });

  it("every file that a secret is in", () => {
    const { secretFiles } = parse(`
    version: 1
    remotes:
      b2:
        type: restic
        repository: { file: a }
        password: { file: b }
        environment: { X: { file: c } }
        hooks: [{ around: remote, before: { http: { url: { file: d }, headers: { X: { file: e } } } } }]
    mirrors:
      m: { of: b2, repository: { file: f }, password: { file: g } }
    datasets:
      tank: { keep: { daily: 1 }, hooks: [{ around: run, after: { http: { url: { file: h } } } }] }
    directories:
      /etc: { keep: { daily: 1 }, remotes: { b2: {} }, hooks: [{ around: run, after: { http: { url: { file: i } } } }] }
    `);
    expect(secretFiles.map(({ file }) => file).sort()).toEqual([..."abcdefghi"].map((name) => `/etc/holdfast/${name}`));
  });
});
