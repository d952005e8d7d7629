/**
 * JSON Schemas of what `--json` prints, made from the types in src/model and their comments, so that the two cannot
 * differ; and plain code that checks what is read back, so that start-up compiles nothing. `tsx scripts/schemas.ts`
 * writes them; a test compares what is committed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import addFormats from "ajv-formats";
import { build } from "esbuild";
import ts from "typescript";

type Json = { [key: string]: unknown };

const ROOT = new URL("../", import.meta.url);
const MODEL = new URL("src/model/", ROOT);

/** Published schema → the type it describes. */
export const ANSWERS: Readonly<Record<string, string>> = {
  "inventory.v1": "Inventory",
  "plan.v1": "Plan",
  "report.v1": "Report",
  "comparison.v1": "Comparison",
  "explain.v1": "Explanation",
  "validate.v1": "Validation",
  "version.v1": "Version",
  "import.v1": "Imported",
  "diagnosis.v1": "Diagnosis",
  "audit.v1": "Audit",
  "status.v1": "Status",
  "simulation.v1": "Simulation",
  "folder.v1": "Folder",
  "found.v1": "Found",
  "recovery-kit.v1": "RecoveryKit",
  "unlocked.v1": "Unlocked",
  "notice.v1": "Notice",
  "notify-test.v1": "NotifyTest",
  "service.v1": "ServiceState",
  "runs.v1": "Runs",
  "problem.v1": "HttpProblem",
};

/** Branded primitives: what their values look like. */
const BRANDS: Readonly<Record<string, Json>> = {
  Guid: { type: "string", pattern: "^[0-9]+$" },
  Txg: { type: "integer", minimum: 0 },
  DatasetName: { type: "string", minLength: 1 },
  HostName: { type: "string", minLength: 1 },
  RemoteName: { type: "string", minLength: 1 },
  TypeName: { type: "string", minLength: 1 },
  Address: { type: "string", minLength: 1 },
  DirectoryPath: { type: "string", pattern: "^/" },
  RepositoryKey: { type: "string", minLength: 1 },
  Bytes: { type: "integer", minimum: 0 },
  EpochSeconds: { type: "integer" },
  Seconds: { type: "integer", minimum: 0 },
};

type Declaration = ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

export function generateSchemas(): Record<string, Json> {
  const declarations = declarationsIn(MODEL);
  return Object.fromEntries(
    Object.entries(ANSWERS).map(([name, type]) => [name, new Generator(declarations).schema(name, type)]),
  );
}

/** Of all files of a folder by name: definitions in a schema are told apart by nothing else, so no two may share one. */
export function declarationsIn(folder: URL): ReadonlyMap<string, Declaration> {
  const declarations = new Map<string, Declaration>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".ts"))) {
    const text = readFileSync(new URL(file, folder), "utf8");
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
    for (const statement of source.statements) {
      if (!ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement)) continue;
      const name = statement.name.text;
      const other = declarations.get(name)?.getSourceFile().fileName;
      if (other !== undefined) throw new Error(`${other} and ${file} both declare ${name}: rename one of them`);
      declarations.set(name, statement);
    }
  }
  return declarations;
}

class Generator {
  readonly #declarations: ReadonlyMap<string, Declaration>;
  readonly #definitions = new Map<string, Json>();

  constructor(declarations: ReadonlyMap<string, Declaration>) {
    this.#declarations = declarations;
  }

  schema(name: string, type: string): Json {
    const declaration = this.#declaration(type);
    const body = this.#define(declaration);
    const used = reachable(body, this.#definitions);
    return {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: `urn:holdfast:${name.replace(".", ":")}`,
      title: `holdfast ${name.replace(".", " ")}`,
      ...body,
      ...(used.length === 0 ? {} : { $defs: Object.fromEntries(used.map((one) => [one, this.#definitions.get(one)])) }),
    };
  }

  #declaration(name: string): Declaration {
    const declaration = this.#declarations.get(name);
    if (declaration === undefined) throw new Error(`src/model declares no ${name}`);
    return declaration;
  }

  #define(declaration: Declaration): Json {
    const body = ts.isInterfaceDeclaration(declaration)
      ? objectSchema(this.#members(declaration))
      : this.#type(declaration.type);
    return { ...described(commentOf(declaration)), ...body };
  }

  #reference(name: string): Json {
    const brand = BRANDS[name];
    if (brand !== undefined) return { ...brand };
    if (!this.#definitions.has(name)) {
      this.#definitions.set(name, {}); // a type that refers to itself finds it
      this.#definitions.set(name, this.#define(this.#declaration(name)));
    }
    return { $ref: `#/$defs/${name}` };
  }

  #type(node: ts.TypeNode): Json {
    if (ts.isParenthesizedTypeNode(node)) return this.#type(node.type);
    if (ts.isTypeOperatorNode(node)) return this.#type(node.type);
    if (ts.isArrayTypeNode(node)) return { type: "array", items: this.#type(node.elementType) };
    if (ts.isTupleTypeNode(node)) throw new Error("tuples are not supported");
    if (ts.isLiteralTypeNode(node)) return literalSchema(node);
    if (ts.isUnionTypeNode(node)) return this.#union(node);
    if (ts.isTypeLiteralNode(node)) return objectSchema(this.#members(node));
    if (ts.isIntersectionTypeNode(node)) return this.#intersection(node);
    if (ts.isIndexedAccessTypeNode(node)) return this.#indexed(node);
    if (ts.isTypeReferenceNode(node)) return this.#named(node);
    if (node.kind === ts.SyntaxKind.StringKeyword) return { type: "string" };
    if (node.kind === ts.SyntaxKind.NumberKeyword) return { type: "number" };
    if (node.kind === ts.SyntaxKind.BooleanKeyword) return { type: "boolean" };
    throw new Error(`no schema for ${node.getText()}`);
  }

  #named(node: ts.TypeReferenceNode): Json {
    const name = node.typeName.getText();
    const [first, second] = node.typeArguments ?? [];
    if (name === "Readonly" && first !== undefined) return this.#type(first);
    if (name === "Record" && second !== undefined) return { type: "object", additionalProperties: this.#type(second) };
    return this.#reference(name);
  }

  #union(node: ts.UnionTypeNode): Json {
    const literals = node.types.map((type) => (ts.isLiteralTypeNode(type) ? literalSchema(type) : undefined));
    const notes = commentsOfMembers(node);
    if (literals.every((literal) => literal !== undefined)) {
      const values = literals.map((literal) => literal.const ?? null);
      const meanings = values.flatMap((value, index) => (notes[index] ? [`${String(value)}: ${notes[index]}`] : []));
      return { ...described(meanings.join("\n")), enum: values };
    }
    const alternatives = node.types.flatMap((type, index) =>
      this.#alternatives(type).map((one) => ({ type: one, note: notes[index] ?? "" })),
    );
    const members = alternatives.map(({ type, note }) => ({ ...described(note), ...this.#type(type) }));
    const discriminator = this.#discriminator(alternatives.map(({ type }) => type));
    return discriminator === undefined
      ? { anyOf: members }
      : { type: "object", required: [discriminator], discriminator: { propertyName: discriminator }, oneOf: members };
  }

  /** `(A | B) & C` is `A & C | B & C`. */
  #intersection(node: ts.IntersectionTypeNode): Json {
    const products = node.types.reduce<Member[][]>(
      (sofar, type) =>
        this.#alternatives(type).flatMap((one) => sofar.map((members) => [...members, ...this.#members(one)])),
      [[]],
    );
    const [only, ...more] = products.map(objectSchema);
    return only !== undefined && more.length === 0 ? only : { anyOf: products.map(objectSchema) };
  }

  /** The property that tells the members of a union apart by one literal each. */
  #discriminator(types: readonly ts.TypeNode[]): string | undefined {
    const literalsOf = (type: ts.TypeNode): string[] =>
      this.#isObject(type)
        ? this.#members(type).flatMap(({ name, required, schema }) =>
            required && typeof schema.const === "string" ? [name] : [],
          )
        : [];
    const [first = [], ...others] = types.map(literalsOf);
    return first.find((name) => others.every((names) => names.includes(name)));
  }

  #isObject(node: ts.TypeNode): boolean {
    if (ts.isParenthesizedTypeNode(node)) return this.#isObject(node.type);
    if (ts.isTypeReferenceNode(node)) {
      const declaration = this.#declarations.get(node.typeName.getText());
      return declaration !== undefined && (ts.isInterfaceDeclaration(declaration) || this.#isObject(declaration.type));
    }
    return (
      ts.isTypeLiteralNode(node) || (ts.isIntersectionTypeNode(node) && node.types.every((one) => this.#isObject(one)))
    );
  }

  /** `Operation["kind"]`: every literal that the members of the union have there. */
  #indexed(node: ts.IndexedAccessTypeNode): Json {
    const property = ts.isLiteralTypeNode(node.indexType) ? literalSchema(node.indexType).const : undefined;
    const schemas = this.#alternatives(node.objectType).map(
      (type) => this.#members(type).find(({ name }) => name === property)?.schema,
    );
    return { enum: schemas.map((schema) => schema?.const) };
  }

  #alternatives(node: ts.TypeNode): readonly ts.TypeNode[] {
    if (ts.isParenthesizedTypeNode(node)) return this.#alternatives(node.type);
    if (ts.isUnionTypeNode(node)) return node.types.flatMap((type) => this.#alternatives(type));
    if (!ts.isTypeReferenceNode(node)) return [node];
    const declaration = this.#declarations.get(node.typeName.getText());
    if (declaration === undefined) return [node];
    return ts.isTypeAliasDeclaration(declaration) && ts.isUnionTypeNode(declaration.type)
      ? this.#alternatives(declaration.type)
      : [node];
  }

  /** Properties of an interface with what it extends, of a literal, or of an intersection of these. */
  #members(node: ts.TypeNode | Declaration): Member[] {
    if (ts.isParenthesizedTypeNode(node)) return this.#members(node.type);
    if (ts.isIntersectionTypeNode(node)) return node.types.flatMap((type) => this.#members(type));
    if (ts.isTypeAliasDeclaration(node)) return this.#members(node.type);
    if (ts.isTypeReferenceNode(node)) return this.#members(this.#declaration(node.typeName.getText()));
    if (ts.isInterfaceDeclaration(node)) {
      const inherited = (node.heritageClauses ?? []).flatMap(({ types }) =>
        types.flatMap(({ expression }) => this.#members(this.#declaration(expression.getText()))),
      );
      return [...inherited, ...this.#properties(node.members)];
    }
    if (ts.isTypeLiteralNode(node)) return this.#properties(node.members);
    throw new Error(`no properties in ${node.getText()}`);
  }

  #properties(members: ts.NodeArray<ts.TypeElement>): Member[] {
    return members.map((member) => {
      if (!ts.isPropertySignature(member) || member.type === undefined)
        throw new Error(`no schema for ${member.getText()}`);
      const comment = commentOf(member);
      const date = comment.startsWith("ISO 8601, UTC") ? { format: "date-time" } : {};
      return {
        name: member.name.getText().replaceAll('"', ""),
        required: member.questionToken === undefined,
        schema: { ...described(comment), ...this.#type(member.type), ...date },
      };
    });
  }
}

/** Names of the definitions that a schema refers to, directly or not; sorted. */
function reachable(schema: Json, definitions: ReadonlyMap<string, Json>, seen = new Set<string>()): string[] {
  for (const [, name] of JSON.stringify(schema).matchAll(/"#\/\$defs\/(\w+)"/g)) {
    if (name === undefined || seen.has(name)) continue;
    seen.add(name);
    reachable(definitions.get(name) ?? {}, definitions, seen);
  }
  return [...seen].sort();
}

interface Member {
  readonly name: string;
  readonly required: boolean;
  readonly schema: Json;
}

const objectSchema = (members: readonly Member[]): Json => ({
  type: "object",
  properties: Object.fromEntries(members.map(({ name, schema }) => [name, schema])),
  required: members.filter(({ required }) => required).map(({ name }) => name),
  additionalProperties: false,
});

function literalSchema({ literal }: ts.LiteralTypeNode): { const?: string | number | boolean; type?: "null" } {
  if (ts.isStringLiteral(literal)) return { const: literal.text };
  if (ts.isNumericLiteral(literal)) return { const: Number(literal.text) };
  if (literal.kind === ts.SyntaxKind.TrueKeyword) return { const: true };
  if (literal.kind === ts.SyntaxKind.FalseKeyword) return { const: false };
  if (literal.kind === ts.SyntaxKind.NullKeyword) return { type: "null" };
  throw new Error(`no schema for ${literal.getText()}`);
}

const described = (description: string): Json => (description === "" ? {} : { description });

const commentOf = (node: ts.Node): string =>
  ts
    .getJSDocCommentsAndTags(node)
    .map((comment) => ts.getTextOfJSDocComment(comment.comment) ?? "")
    .join("\n")
    .replace(/\s*\n\s*/g, " ")
    .trim();

/** The comment before each member of a union. */
function commentsOfMembers(node: ts.UnionTypeNode): string[] {
  const text = node.getSourceFile().text;
  let end = node.getFullStart();
  return node.types.map((member) => {
    const before = text.slice(end, member.getStart());
    end = member.getEnd();
    const comment = /\/\*\*([\s\S]*?)\*\//.exec(before)?.[1] ?? "";
    return comment.replace(/\s*\n\s*\*?\s*/g, " ").trim();
  });
}

/** Schemas of documents that commands read back. */
const READ = ["plan.v1", "inventory.v1", "status.v1"];
const GENERATED = new URL("src/model/generated/", ROOT);
const HEADER = "// Generated by scripts/schemas.ts; do not edit.\n";

/** An ajv validator as one ES module without imports. Stops at the first error: documents may be huge. */
export async function validatorOf(schema: Json): Promise<string> {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    discriminator: true,
    unicodeRegExp: true,
    code: { source: true, esm: true, lines: true },
  });
  addFormats.default(ajv);
  const bundle = await build({
    stdin: {
      contents: standalone.default(ajv, ajv.compile(undescribed(schema))),
      resolveDir: fileURLToPath(ROOT),
      loader: "js",
    },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
  });
  return HEADER + (bundle.outputFiles[0]?.text ?? "");
}

/** Descriptions say nothing to a machine. */
const undescribed = (schema: Json): Json =>
  JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === "description" && typeof value === "string" ? undefined : value,
  );

const DECLARATION = `${HEADER}import type { ErrorObject } from "ajv";

/** After \`false\`, \`validate.errors\` holds the first thing that is wrong. */
declare const validate: {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
};
export default validate;
`;

async function writeAll(): Promise<void> {
  for (const [name, schema] of Object.entries(generateSchemas()))
    writeFileSync(new URL(`schemas/${name}.schema.json`, ROOT), `${JSON.stringify(schema, null, 2)}\n`);
  mkdirSync(GENERATED, { recursive: true });
  for (const name of READ) {
    const path = new URL(`schemas/${name}.schema.json`, ROOT);
    if (!existsSync(path)) continue;
    writeFileSync(new URL(`${name}.js`, GENERATED), await validatorOf(JSON.parse(readFileSync(path, "utf8"))));
    writeFileSync(new URL(`${name}.d.ts`, GENERATED), DECLARATION);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeAll();
