import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parseManifest } from "../../src/manifest/index.ts";
import { now } from "./helpers.ts";

interface Schema {
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly [key: string]: unknown;
}

const root: Schema = JSON.parse(readFileSync("schemas/manifest.v1.schema.json", "utf8"));

/** Every key of the manifest, by where the schema has it. */
function keysOf(schema: Schema, path: string): [string, Schema][] {
  return Object.entries(schema).flatMap(([keyword, value]): [string, Schema][] => {
    const at = `${path}/${keyword}`;
    if (keyword === "examples" || typeof value !== "object" || value === null) return [];
    if (keyword !== "properties" && keyword !== "$defs") return keysOf(value as Schema, at);
    const named = Object.entries(value as Record<string, Schema>).map(([key, sub]): [string, Schema] => [
      `${at}/${key}`,
      sub,
    ]);
    return [...(keyword === "properties" ? named : []), ...named.flatMap(([place, sub]) => keysOf(sub, place))];
  });
}

const keys = keysOf(root, "#");
const resolved = (schema: Schema): Schema => {
  if (schema.$ref === undefined) return schema;
  const target = schema.$ref
    .slice(2)
    .split("/")
    .reduce<unknown>((node, step) => (node as Schema)[step], root);
  return { ...resolved(target as Schema), ...schema };
};

describe("the schema", () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, discriminator: true });
  ajv.addVocabulary(["x-expects", "x-code", "x-secret"]);
  ajv.addSchema(root, "manifest");

  it("explains every key to editors, with examples that it accepts", () => {
    expect(keys.length).toBeGreaterThan(80);
    for (const [path, schema] of keys) {
      const { title, description, examples = [] } = resolved(schema);
      expect({ path, title, description }).toEqual({
        path,
        title: expect.any(String),
        description: expect.any(String),
      });
      expect(examples.length, path).toBeGreaterThan(0);
      const validate = ajv.compile({ $ref: `manifest${path}` });
      for (const example of examples) expect([path, example, validate(example)]).toEqual([path, example, true]);
    }
  });

  it("knows no key it does not name", () => {
    const objects = [root, ...Object.values(root.$defs as Record<string, Schema>), ...keys.map(([, schema]) => schema)];
    expect(objects.filter((schema) => schema.properties && schema.additionalProperties !== false)).toEqual([]);
  });

  it("is what the types and the validator were generated from", () => {
    execFileSync(process.execPath, ["scripts/generate.mjs", "--check"], { stdio: "pipe" });
  }, 60_000);
});

const examples = readdirSync("examples").filter((name) => name.endsWith(".yaml"));

describe("examples", () => {
  it.each(examples)("%s is valid wherever it is looked at from", (name) => {
    const text = readFileSync(`examples/${name}`);
    for (const as of ["nas", "nas01", "none", undefined]) {
      const { manifest, diagnostics } = parseManifest([{ name, text }], {
        hostname: "laptop",
        user: "me",
        folder: "/",
        now,
        ...(as === undefined ? {} : { as }),
      });
      const other = diagnostics.filter(({ code }) => !["unknown-self", "needs-host"].includes(code));
      expect(other).toEqual([]);
      expect(manifest !== undefined || as !== undefined).toBe(true);
    }
  });

  it("everything.yaml has every key", () => {
    const text = readFileSync("examples/everything.yaml", "utf8");
    const names = new Set(keys.map(([path]) => path.split("/").at(-1) ?? ""));
    expect([...names].filter((key) => !new RegExp(`\\b${key}:`).test(text))).toEqual([]);
  });
});
