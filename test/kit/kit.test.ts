import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHECKS, slowFingerprint } from "../../src/kit/fingerprint.ts";
import { exported, word } from "../../src/kit/shell.ts";
import { pageOf } from "../../src/render/kit/content.ts";
import { renderHtml } from "../../src/render/kit/html.ts";
import { renderMarkdown } from "../../src/render/kit/markdown.ts";
import { scriptsIn } from "../kit-scripts.ts";
import { validator } from "../published-schema.ts";
import { facts, inventory, kitOf, manifestText } from "./world.ts";

const bash = (script: string, args: readonly string[] = []) =>
  spawnSync("bash", [...args, "-c", script], { encoding: "latin1", env: { LC_ALL: "C", PATH: process.env.PATH } });

describe("the page", () => {
  const kit = kitOf();

  test("as Markdown", async () => {
    await expect(renderMarkdown(pageOf(kit, CHECKS))).toMatchFileSnapshot("../golden/recovery-kit.md");
  });

  test("as HTML: one file that asks for nothing, and says the same", async () => {
    const page = renderHtml(pageOf(kit, CHECKS));
    await expect(page).toMatchFileSnapshot("../golden/recovery-kit.html");
    expect(page).not.toMatch(/<script|<link|<img|\bsrc=|url\(|@import|\bon\w+=/i);
    expect(page).toContain("default-src 'none'");
    const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
    const said = page
      .replace(/<\/?(?:code|span|pre)>/g, "")
      .replace(/&([^;]+);/g, (_, name: string) => entities[name] ?? "");
    for (const { script } of scriptsIn(renderMarkdown(pageOf(kit, CHECKS)))) expect(said).toContain(`${script}\n`);
  });

  test("as JSON: what the schema says", () => {
    const validate = validator("recovery-kit.v1");
    validate(JSON.parse(JSON.stringify(kit)));
    expect(validate.errors).toBeNull();
  });

  test("every script is one that bash can read", () => {
    for (const { script } of scriptsIn(renderMarkdown(pageOf(kit, CHECKS))))
      expect([script, bash(script, ["-n"]).stderr]).toEqual([script, ""]);
  });
});

describe("what is known only where it must not be", () => {
  const warnings = kitOf().warnings.join("\n");

  test("is named, with what is lost with it", () => {
    expect(warnings).toMatch(/Known only on nas, .*password of b2.*key of nas:tank\/secret/);
    expect(warnings).toMatch(/what is behind them \(.*b2.*nas:tank\/secret on vault/);
  });

  test("is not what a command reads from elsewhere, or an agent has somewhere", () => {
    const kit = kitOf();
    const only = kit.secrets.filter(({ onlyOn }) => onlyOn !== undefined).map(({ what }) => what);
    expect(only).not.toContain("SSH key to gate");
    expect(only).not.toContain("passphrase of the SSH key to vault");
    expect(kit.secrets.map(({ what }) => what)).toContain("passphrase of the SSH key to vault");
  });

  test("is no matter where Holdfast runs on a machine that it does not protect", () => {
    const elsewhere = manifestText
      .replace("nas: {}", "nas: { address: nas.example.net }")
      .replaceAll(/^ {4}(?=tank|\/etc)/gm, "    nas:");
    const { self, secrets } = kitOf(elsewhere, inventory, facts, { hostname: "laptop", as: "none" });
    expect(self).toBeNull();
    // the key of what is encrypted there lies there all the same
    expect(secrets.flatMap(({ what, onlyOn }) => (onlyOn ? [what] : []))).toEqual(["key of nas:tank/secret"]);
  });
});

test("nothing seen: everything is there as the manifest has it, and says so", () => {
  const kit = kitOf(manifestText, { ...inventory, hosts: {}, repositories: {} }, { ...facts, zfsKeys: new Map() });
  expect(kit.complete).toBe(false);
  expect(kit.places.map(({ name, unseen }) => [name, unseen === undefined])).toEqual([
    ["vault", false],
    ["disk", false],
    ["b2", false],
    ["attic@nas", false],
  ]);
  expect(kit.sources.map(({ source }) => source)).toEqual([
    "nas:/etc",
    "nas:tank/data",
    "nas:tank/secret",
    "nas:tank/vm/win",
  ]);
  const page = renderMarkdown(pageOf(kit, CHECKS));
  expect(page.match(/could not be seen when this was made/g)).toHaveLength(4);
  expect(page).toContain("zfs receive -s -u -x mountpoint -x sharenfs -x sharesmb tank/data-restored");
});

describe("names are data", () => {
  const hostile = "/srv/`a` | <script>alert(1)</script> __b__ $(touch p) 'q' \"d\" \u202e ~~s~~ &amp; \\";
  const text = manifestText.replace(
    /^ {4}\/etc:.*$/m,
    `    ${JSON.stringify(hostile)}: { keep: { daily: 7 }, remotes: { b2: {} } }`,
  );

  test("for bash, in Markdown and in HTML", () => {
    const kit = kitOf(text);
    const markdown = renderMarkdown(pageOf(kit, CHECKS));
    const restore = scriptsIn(markdown).find(({ script }) => script.startsWith("restic restore latest --tag"));
    const said = bash(`restic() { printf '%s\\n' "\${@: -1}"; }; ${restore?.script}`);
    expect(Buffer.from(said.stdout, "latin1").toString()).toBe(`${hostile}-restored\n`);
    expect(markdown).not.toContain("\u202e");
    // outside of code, nothing of it is markup
    const prose = markdown.replace(/^```[\s\S]*?^```$/gm, "").replace(/(`+) ?[^\n]*? ?\1(?!`)/g, "");
    expect(prose).not.toMatch(/(?<!\\)<script|(?<!\\)_b|(?<!\\)~s/);
    const rows = markdown.split("\n").filter((line) => line.includes("alert(1)") && line.startsWith("|"));
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(5);
    const page = renderHtml(pageOf(kit, CHECKS));
    expect(page).not.toContain("<script");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).not.toContain("\u202e");
  });

  test("a word is what bash makes of it, and nothing in it is invisible", () => {
    const odd = fc.constantFrom(
      "'",
      '"',
      "\\",
      "$",
      "`",
      "\n",
      "\u001b",
      "\u202e",
      "-",
      " ",
      "[x]",
      "ä",
      "😀",
      "!",
      "\t",
    );
    const texts = fc.array(
      fc.array(fc.oneof(odd, fc.string({ unit: "binary" })), { maxLength: 6 }).map((parts) => parts.join("")),
      {
        minLength: 200,
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(texts, (all) => {
        const words = all.map((one) => one.replaceAll("\0", ""));
        const { stdout } = bash(`printf '%s\\0' ${words.map(word).join(" ")}`);
        expect(Buffer.from(stdout, "latin1").toString().split("\0").slice(0, -1)).toEqual(words);
        expect(words.map(word).join("")).not.toMatch(/[\p{Cc}\u202e]/u);
      }),
      { numRuns: 5 },
    );
  });

  test.each([
    [{ file: "/a b" }, "export RESTIC_PASSWORD_FILE='/a b'"],
    [{ command: ["pass", "show", "a b"] }, "export RESTIC_PASSWORD=\"$(pass show 'a b')\""],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash's
    [{ env: "PW" }, 'export RESTIC_PASSWORD="${PW:?it is a secret: set it first}"'],
    [{ credential: "pw" }, "read -rsp 'RESTIC_PASSWORD: ' RESTIC_PASSWORD; export RESTIC_PASSWORD"],
  ])("a secret stays where it is: %o", (reference, line) => {
    expect(exported("RESTIC_PASSWORD", reference)).toBe(line);
  });
});

test("a fingerprint is that of the secret without the newline at its end, and no other salt's", async () => {
  const of = (text: string, salt = "salt") => slowFingerprint(Buffer.from(text, "latin1"), salt);
  const [plain, ended, other, salted, raw] = await Promise.all([
    of("secret"),
    of("secret\n"),
    of("Secret"),
    of("secret", "pepper"),
    of("\xff\x00\n\x01"),
  ]);
  expect(plain).toEqual(ended);
  expect(new Set([plain, other, salted, raw].map(({ value }) => value)).size).toBe(4);
  expect(plain.value).toMatch(/^[0-9a-f]{8}$/);
});
