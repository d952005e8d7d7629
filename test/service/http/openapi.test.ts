import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { openApi } from "../../../src/service/http/openapi.ts";
import { SCHEMAS } from "../../../src/service/http/schemas.ts";
import { serving, TOKEN } from "./serve.ts";

interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { responses: Record<string, { content: object }> }>>>
  >;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
for (const { path, schema } of SCHEMAS) ajv.addSchema(schema, path);

describe("the OpenAPI document", () => {
  test("is one of version 3.1", async () => {
    const validator = new Validator();
    for (const { path, schema } of SCHEMAS) await validator.addSpecRef(structuredClone(schema), `../..${path}`);
    expect(await validator.validate(openApi("0.1.0"))).toEqual({ valid: true });
    const wrong = { ...openApi("0.1.0"), paths: { "/x": { get: { responses: { 200: {} } } } } };
    expect(await validator.validate(wrong)).toMatchObject({ valid: false });
  });

  test("knows every path that is answered, and no other", async () => {
    const { server } = await serving({ token: TOKEN });
    const { paths } = (await (await fetch(`${server.address}/api/v1/openapi.json`)).json()) as Document;
    for (const [path, methods] of Object.entries(paths)) {
      const { headers } = await fetch(server.address + path, { method: "PATCH" });
      const allowed = (headers.get("allow") ?? "").split(", ").filter((method) => method !== "HEAD");
      expect([path, allowed.map((method) => method.toLowerCase())]).toEqual([path, Object.keys(methods)]);
    }
  });

  test("refers to schemas that are served, and that fit what is answered", async () => {
    const { server } = await serving();
    const base = `${server.address}/api/v1/openapi.json`;
    const { paths } = (await (await fetch(base)).json()) as Document;
    let checked = 0;
    for (const [path, { get }] of Object.entries(paths)) {
      const schema = (
        get?.responses["200"]?.content as { "application/json"?: { schema: { $ref?: string } } } | undefined
      )?.["application/json"]?.schema;
      if (schema?.$ref === undefined) continue;
      const url = new URL(schema.$ref, base);
      expect((await fetch(url)).status).toBe(200);
      const validate = ajv.getSchema(url.pathname);
      const valid = validate?.(await (await fetch(server.address + path)).json());
      expect([path, valid, validate?.errors ?? null]).toEqual([path, true, null]);
      checked++;
    }
    expect(checked).toBe(5);
  });

  test("errors fit their schema, too", async () => {
    const { server } = await serving();
    const validate = ajv.getSchema("/schemas/problem.v1.schema.json");
    for (const path of ["/nowhere", "/snapshot"])
      expect(validate?.(await (await fetch(server.address + path)).json())).toBe(true);
  });
});
