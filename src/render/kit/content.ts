import type { KitCommands, KitFingerprint, KitPlace, KitSecret, RecoveryKit } from "../../model/recovery-kit.ts";
import { plural } from "../text.ts";
import type { Block, Inline, Line, Page } from "./document.ts";

/** How a candidate is checked against a fingerprint; `SALT` and `FILE` stand for the two that are put in. */
export interface Checks {
  readonly node: string;
  readonly python: string;
}

/** What the page says, in the order in which it is needed. */
export function pageOf(kit: RecoveryKit, checks: Checks): Page {
  return {
    title: kit.self === null ? "Recovery kit" : `Recovery kit for ${kit.self}`,
    blocks: [
      text(
        "All that it takes to bring everything back ",
        { strong: "without Holdfast" },
        ": plain zfs, restic and ssh.",
      ),
      origin(kit),
      ...warnings(kit),
      ...apart(kit, checks),
      ...sources(kit),
      ...start(kit),
      heading(2, "4. Bring it back"),
      text(
        "One place is enough; the first that is still there will do. What comes back stands beside its original and never over it. Begin each place in a new shell, and there with the first line of section 3.",
      ),
      ...kit.places.flatMap((place, index) => placeBlocks(kit, place, index + 1)),
      ...afterwards(kit),
    ],
  };
}

const text = (...line: Inline[]): Block => ({ kind: "text", text: line });
const heading = (level: 2 | 3 | 4, ...line: Inline[]): Block => ({ kind: "heading", level, text: line });
const code = (name: string): Inline => ({ code: name });

/** `2026-11-22 03:10 UTC` */
const moment = (iso: string): string => `${iso.slice(0, 16).replace("T", " ")} UTC`;

function origin({ made, version, manifest, self }: RecoveryKit): Block {
  const { git } = manifest;
  return {
    kind: "table",
    head: ["", ""],
    rows: [
      [["Made"], [`${moment(made)}, by Holdfast ${version}`]],
      [
        ["Machine"],
        self === null ? ["any that reaches those below"] : [code(self), ", or the one that takes its place"],
      ],
      [["Manifest"], [code(manifest.path), ", digest ", code(manifest.digest)]],
      ...(git
        ? [
            [
              ["In git"],
              [
                "commit ",
                code(git.commit),
                ...(git.changed ? [", with changes that are not committed"] : []),
                ...(git.origin === undefined ? [] : [", from ", code(git.origin)]),
              ],
            ],
          ]
        : []),
    ],
  };
}

function warnings({ warnings: known, places, unresolved }: RecoveryKit): Block[] {
  const items: Line[] = [
    ...known.map((one): Line => [one]),
    ...places.flatMap(({ name, unseen }): Line[] =>
      unseen === undefined
        ? []
        : [
            [
              code(name),
              " could not be seen when this was made (",
              unseen,
              "): it is described as the manifest has it.",
            ],
          ],
    ),
    ...(unresolved.length === 0
      ? []
      : [["Which sources these mean could not be seen: ", ...listed(unresolved), ". Look for them in the places."]]),
  ];
  return items.length === 0 ? [] : [{ kind: "warning", items }];
}

const listed = (names: readonly string[]): Inline[] =>
  names.flatMap((name, index) => (index === 0 ? [code(name)] : [", ", code(name)]));

/** What is missing from the page. */
function apart({ secrets }: RecoveryKit, { node, python }: Checks): Block[] {
  const isSlow = secrets.some(({ fingerprint }) => fingerprint?.kind === "scrypt");
  return [
    heading(2, "1. What is missing from this page"),
    ...(secrets.length === 0
      ? [text("No secret is needed for what is described here.")]
      : [
          text(
            `It holds no secret. ${plural(secrets.length, "secret")} must be kept apart from it, and apart from the machine; without them nothing below works. Tick what is in the safe.`,
          ),
          {
            kind: "table",
            head: ["kept", "secret", "where it is now", "opens", "fingerprint"],
            rows: secrets.map(secretRow),
          } as const,
        ]),
    ...(isSlow
      ? [
          text(
            "Is the one that was found the right one? This prints the fingerprint of what is in FILE; SALT is from the table. Take whichever program is there:",
          ),
          { kind: "script", lines: [node, python] } as const,
          text(
            "A fingerprint of a password lets whoever has this page test guesses. So it is salted, takes scrypt with 128 MiB for each guess, and has only 32 bits: enough to notice a wrong key, hopeless for guessing a good password, and no protection for a bad one. ",
            code("holdfast recovery-kit --no-fingerprints"),
            " leaves them out.",
          ),
        ]
      : []),
    text(
      "Also missing: the manifest itself, which nothing here needs, but without which Holdfast cannot go on afterwards.",
    ),
  ];
}

function secretRow({ what, where, host, opens, fingerprint, unread, zfs, onlyOn }: KitSecret): Line[] {
  const more = zfs === undefined ? [] : [` (${zfs.keyformat}, encryption root with guid ${zfs.guid})`];
  return [
    ["☐"],
    [{ strong: what }, ...more],
    [
      ...whereIs(where),
      ...(host === undefined ? [] : [" on ", code(host)]),
      ...(onlyOn === undefined ? [] : [" ", { strong: "only there" }]),
    ],
    listed(opens),
    fingerprint === undefined ? [`none: ${unread ?? "it was not read"}`] : fingerprintLine(fingerprint),
  ];
}

const UNNAMED = {
  agent: "an SSH agent",
  nowhere: "nowhere: somebody types it",
  unknown: "where it is could not be seen",
} as const;

const whereIs = (where: KitSecret["where"]): Line =>
  "name" in where ? [`${where.kind} `, code(where.name)] : [UNNAMED[where.kind]];

const fingerprintLine = (fingerprint: KitFingerprint): Line =>
  fingerprint.kind === "ssh" ? [code(fingerprint.value)] : [code(fingerprint.value), ", SALT ", code(fingerprint.salt)];

function sources({ sources: all }: RecoveryKit): Block[] {
  return [
    heading(2, "2. What there is to bring back"),
    {
      kind: "table",
      head: ["source", "mounted at", "copies", "the newest of them"],
      rows: all.flatMap(({ source, mountpoint, copies }) =>
        (copies.length === 0 ? [undefined] : copies).map((copy, index): Line[] => [
          index === 0 ? [code(source)] : [],
          index === 0 && mountpoint !== undefined ? [code(mountpoint)] : [],
          copy === undefined ? ["none"] : [code(copy.place), ": ", code(copy.at)],
          [copy?.newest === undefined ? "not seen" : moment(copy.newest)],
        ]),
      ),
    },
  ];
}

function start({ self, machines, prepare, places }: RecoveryKit): Block[] {
  const tools = [
    ...(places.some(({ kind }) => kind === "zfs") ? ["zfs"] : []),
    ...(places.some(({ kind }) => kind !== "zfs") ? ["restic"] : []),
    ...(machines.length > 0 ? ["ssh"] : []),
  ];
  return [
    heading(2, "3. Before anything else"),
    text(
      self === null ? "On a machine that reaches those below" : "On the machine that takes the place of ",
      ...(self === null ? [] : [code(self)]),
      `, as root and in bash, with ${tools.join(", ")} installed${places.some(({ kind }) => kind === "zfs") ? " and its pool made anew" : ""}. Put the secrets where the table says, or write another place into the commands.`,
    ),
    ...(machines.length === 0
      ? []
      : [
          {
            kind: "table",
            head: ["machine", "reached as", "host key"],
            rows: machines.map(({ name, address, port, user, jump, hostKeys, unread }): Line[] => [
              [code(name)],
              [code(`${user}@${address}`), `, port ${port}`, ...(jump === undefined ? [] : [", through ", code(jump)])],
              hostKeys.length === 0
                ? [`not known: ${unread ?? "none was found"}`]
                : hostKeys.flatMap(({ type, fingerprint }, index): Inline[] => [
                    ...(index === 0 ? [] : [", "]),
                    `${type} `,
                    code(fingerprint),
                  ]),
            ]),
          } as const,
        ]),
    ...prepare.flatMap((commands) => commandBlocks(commands, 3)),
  ];
}

function placeBlocks({ self }: RecoveryKit, place: KitPlace, number: number): Block[] {
  const { name, kind, address, of, host, repository, unseen, needs, notes, commands } = place;
  const what =
    kind === "zfs" ? "ZFS, whole datasets" : kind === "mirror" ? `restic, a mirror of ${of}, files` : "restic, files";
  const isElsewhere = kind !== "zfs" && host !== self;
  return [
    heading(3, `4.${number} `, code(name), ` (${what})`),
    text(
      ...(address === undefined ? ["Its address is a secret."] : ["At ", code(address), "."]),
      ...(repository === undefined ? [] : [" Repository ", code(repository.id.slice(0, 10))]),
      ...(repository?.key === undefined ? [] : [", opened by its key ", code(repository.key.slice(0, 8))]),
      ...(repository === undefined ? [] : ["."]),
      ...(needs.length === 0 ? [] : [` Needs the ${needs.join(", the ")}.`]),
      ...(isElsewhere ? [" Run these on ", code(host), ", or the machine that takes its place."] : []),
    ),
    ...(unseen === undefined ? [] : [text("Not seen when this was made: ", unseen, ".")]),
    ...notes.map((note) => text(note)),
    ...commands.flatMap((one) => commandBlocks(one, 4)),
  ];
}

const commandBlocks = ({ about, notes, script }: KitCommands, level: 3 | 4): Block[] => [
  heading(level, about),
  ...notes.map((note) => text(note)),
  { kind: "script", lines: script },
];

function afterwards({ places }: RecoveryKit): Block[] {
  const hasZfs = places.some(({ kind }) => kind === "zfs");
  const hasRestic = places.some(({ kind }) => kind !== "zfs");
  return [
    heading(2, "5. When it is back"),
    {
      kind: "list",
      items: [
        [
          "For one file or folder, set ",
          code("file"),
          " before the command, such as ",
          code("file=letters/2026.odt"),
          "; relative to the source.",
        ],
        ...(hasZfs
          ? [
              [
                "Look at what came back, then give it its place: ",
                code("zfs rename tank/data-restored tank/data"),
                " and ",
                code("zfs set mountpoint=…"),
                " as in section 2.",
              ],
              [
                "A transfer that was cut goes on where it stopped: ",
                code("zfs get -H -o value receive_resume_token tank/data-restored"),
                " prints a token; then send with ",
                code("zfs send -t TOKEN"),
                " in the place of what was sent, and receive with ",
                code("zfs receive -s -u tank/data-restored"),
                ".",
              ],
            ]
          : []),
        ...(hasRestic
          ? [
              [
                "In restic's patterns put ",
                code("\\"),
                " before ",
                code("* ? [ ] \\"),
                ". To look around in a repository: ",
                code("restic mount /mnt"),
                ".",
              ],
            ]
          : []),
        [
          "Make a new kit whenever the manifest, a key or a place changes: ",
          code("holdfast recovery-kit --html --out recovery-kit.html"),
          ".",
        ],
      ],
    },
  ];
}
