import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const src = fileURLToPath(new URL("../src/", import.meta.url));

/** What a folder may import besides itself and src/model. `node:*` stands for all of Node's modules. */
interface Rule {
  /** Folders or single modules of src. */
  readonly modules: readonly (string | RegExp)[];
  readonly packages: readonly string[];
  /** Of its own folder; default: everything. */
  readonly own?: RegExp;
}

/** The half of a remote's folder that decides: everything but what belongs to running operations. */
const PURE_REMOTE =
  /^remotes\/(?:zfs\/(?!(?:commands|context|create|destroy|errors|files|find|find-output|find-scripts|guids|look|progress|received|remember|require-empty|restore|resume|run|send|small|transfer|verify)\.ts$)|restic\/(?:plan[\w-]*|tags|version)\.ts$)/;
/** What of notifications decides what is told, to whom and in which words. */
const PURE_NOTIFY = /^notify\/(?:beat|failures|formats|news|notice|problems|redact|sight)\.ts$/;
/** Patterns mean the same everywhere. */
const PATTERNS = "planner/patterns.ts";
const SCOPE = "manifest/scope.ts";
const REQUIREMENTS = "manifest/requirements.ts";
const INHERITED = "manifest/inherited.ts";
const REPOSITORIES = "manifest/repositories.ts";
/** What restored datasets are marked with. */
const MARKS = "planner/restore/marks.ts";

/** One line for each folder; the first that fits a file holds. */
const RULES: readonly (readonly [pattern: RegExp, rule: Rule])[] = [
  [/^model\/generated\//, { modules: [], packages: ["ajv"] }],
  [/^model\//, { modules: [], packages: [] }],
  [
    /^planner\//,
    {
      modules: [
        SCOPE,
        INHERITED,
        REQUIREMENTS,
        REPOSITORIES,
        "remotes/zfs/plan.ts",
        "remotes/zfs/drill-record.ts",
        "remotes/zfs/placeholder.ts",
        "remotes/zfs/bookmarks.ts",
        "remotes/zfs/names.ts",
        /^remotes\/restic\/(?:plan[\w-]*|tags|version)\.ts$/,
      ],
      packages: ["croner", "picomatch"],
    },
  ],
  [/^audit\//, { modules: [], packages: [] }],
  [/^import\//, { modules: ["manifest", "render/text.ts"], packages: ["yaml", "smol-toml"] }],
  [PURE_NOTIFY, { modules: ["render/text.ts"], packages: [], own: PURE_NOTIFY }],
  [/^notify\//, { modules: ["transport"], packages: ["node:*", "p-retry"] }],
  [/^render\//, { modules: [], packages: ["picocolors"] }],
  [PURE_REMOTE, { modules: ["planner", REPOSITORIES], packages: [], own: PURE_REMOTE }],
  [
    /^manifest\//,
    { modules: [PATTERNS], packages: ["node:*", "yaml", "ajv", "croner", "picomatch", "fastest-levenshtein"] },
  ],
  [/^transport\//, { modules: [], packages: ["node:*", "execa", "nodemailer", "ssh2", "p-queue"] }],
  [/^inventory\//, { modules: ["transport", PATTERNS, SCOPE], packages: ["node:*"] }],
  [/^remotes\//, { modules: ["transport", "inventory", SCOPE, REPOSITORIES, MARKS], packages: ["node:*"] }],
  [/^hooks\//, { modules: ["transport", "remotes/result.ts", SCOPE, REPOSITORIES], packages: [] }],
  [/^apply\//, { modules: ["hooks", "remotes", "inventory", "transport"], packages: ["node:*", "p-queue"] }],
  [
    /^doctor\//,
    { modules: ["inventory", "planner", "transport", SCOPE, REPOSITORIES, /^remotes\/restic\//], packages: [] },
  ],
  [/^service\/(?:metrics|label-sets|tallies|places|one-run)\.ts$/, { modules: [], packages: ["prom-client"] }],
  [
    /^kit\//,
    {
      modules: [
        "planner",
        SCOPE,
        REPOSITORIES,
        "remotes/zfs/commands.ts",
        "remotes/zfs/files.ts",
        /^remotes\/restic\//,
        "render/text.ts",
        "transport",
      ],
      packages: ["node:crypto"],
    },
  ],
  [/^host\/generated\//, { modules: [], packages: [] }],
  [/^host\//, { modules: [], packages: ["node:*", "yaml"] }],
  // what runs in a browser, and what it is made into
  [/^service\/http\/browser\//, { modules: ["render/text.ts"], packages: [], own: /^$/ }],
  [/^service\/http\/generated\//, { modules: [], packages: [], own: /^$/ }],
  [
    /^service\/http\//,
    {
      modules: ["render", "planner/types.ts", "remotes/restic/tags.ts"],
      packages: ["node:*"],
      own: /^service\/http\/(?!browser\/)/,
    },
  ],
  [
    /^service\//,
    { modules: ["apply", "manifest", "planner", "render", "transport"], packages: ["node:*", "chokidar", "diff"] },
  ],
  [
    /^cli\//,
    {
      modules: [
        "apply",
        "audit",
        "doctor",
        "hooks",
        "host",
        "import",
        "inventory",
        "kit",
        "manifest",
        "notify",
        "planner",
        "remotes",
        "render",
        "service",
        "transport",
      ],
      packages: ["node:*", "commander", "pino", "log-update", "ajv"],
    },
  ],
];

/** Only transport starts processes and opens connections; and service/http is asked by others. */
const PROCESSES = [
  "node:child_process",
  "node:net",
  "node:tls",
  "node:dgram",
  "node:cluster",
  "node:http",
  "node:https",
];

interface Import {
  readonly file: string;
  /** A path below src/, or a package. */
  readonly to: string;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => /\.(ts|js)$/.test(name));
const sources = new Map(
  files.map((file) => [
    file,
    ts.createSourceFile(file, readFileSync(join(src, file), "utf8"), ts.ScriptTarget.ES2023, true),
  ]),
);

function importsOf(file: string, source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: string): void => {
    const to = specifier.startsWith(".") ? relative(src, join(src, dirname(file), specifier)) : packageOf(specifier);
    found.push({ file, to });
  };
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier)
      add((node.moduleSpecifier as ts.StringLiteral).text);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0])
      add((node.arguments[0] as ts.StringLiteral).text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** What is in the package beside src/. */
const isPublished = (file: string, to: string): boolean =>
  (file === "cli/package.ts" && to === "../package.json") ||
  (file === "service/http/schemas.ts" && /^\.\.\/schemas\/[\w.]+\.json$/.test(to));

const packageOf = (specifier: string): string =>
  specifier.startsWith("node:") ? specifier : specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

const imports = [...sources].flatMap(([file, source]) => importsOf(file, source));
const folderOf = (path: string): string => path.split("/", 1)[0] ?? "";

function isAllowed({ file, to }: Import, { modules, packages, own }: Rule): boolean {
  const isListed = packages.includes(to) || (to.startsWith("node:") && packages.includes("node:*"));
  const isServer = file.startsWith("service/http/") && ["node:http", "node:net"].includes(to);
  if (to.startsWith("node:"))
    return isListed && (!PROCESSES.includes(to) || folderOf(file) === "transport" || isServer);
  if (!files.includes(to)) return isListed || isPublished(file, to);
  if (folderOf(to) === folderOf(file)) return own?.test(to) ?? true;
  return ["model", ...modules].some((module) =>
    typeof module === "string" ? to === module || to.startsWith(`${module}/`) : module.test(to),
  );
}

describe("imports", () => {
  test("the source was read", () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(new Set(files.map(folderOf)).size).toBeGreaterThanOrEqual(8);
  });

  test.each(files.map((file) => [file]))("%s imports only what its folder may", (file) => {
    const rule = RULES.find(([pattern]) => pattern.test(file))?.[1];
    expect(rule, `no rule for src/${file}`).toBeDefined();
    const forbidden = imports.filter((one) => one.file === file && rule !== undefined && !isAllowed(one, rule));
    expect(forbidden.map(({ to }) => to)).toEqual([]);
  });
});

/** Names of globals that a file uses as values. */
function usesOf(source: ts.SourceFile, global: string, members?: readonly string[]): string[] {
  const uses: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && node.expression.getText() === global)
      if (members === undefined || members.includes(node.name.text)) uses.push(node.getText());
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

describe("the outside world", () => {
  const outside = (folders: readonly string[]) =>
    [...sources].filter(([file]) => !folders.includes(folderOf(file)) && file.endsWith(".ts"));

  test.each(outside(["cli"]))("%s neither reads argv, nor prints, nor ends the process", (_, source) => {
    expect(usesOf(source, "process", ["argv", "stdout", "stderr", "stdin", "exit", "exitCode"])).toEqual([]);
    expect(usesOf(source, "console")).toEqual([]);
  });

  test.each(
    [...sources].filter(
      ([file]) =>
        file.endsWith(".ts") &&
        (/^(model|planner|render|import)\//.test(file) || PURE_REMOTE.test(file) || PURE_NOTIFY.test(file)),
    ),
  )("%s is pure: no environment, clock or chance", (_, source) => {
    const clocks = [
      ...usesOf(source, "process"),
      ...usesOf(source, "Date", ["now"]),
      ...usesOf(source, "Math", ["random"]),
      ...usesOf(source, "performance"),
      ...(/new Date\(\)/.test(source.text) ? ["new Date()"] : []),
    ];
    expect(clocks).toEqual([]);
  });
});
