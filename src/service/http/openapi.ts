/** The API as an OpenAPI 3.1 document; bodies are described by the published schemas, which are served beside it. */

const JSON_TYPE = "application/json";
const schema = (name: string) => ({ $ref: `../../schemas/${name}.v1.schema.json` });
const body = (description: string, content: object, type = JSON_TYPE) => ({
  description,
  content: { [type]: { schema: content } },
});
const text = (description: string) => body(description, { type: "string" }, "text/plain");
const problem = (description: string) => body(description, schema("problem"));

const NOT_YET = { "503": problem("Nothing was observed yet: ask again when /readyz answers 200.") };

const get = (operationId: string, summary: string, responses: object) => ({ get: { operationId, summary, responses } });
const known = (operationId: string, summary: string, name: string) =>
  get(operationId, summary, { "200": body(summary, schema(name)), ...NOT_YET });

const REFUSED = {
  "401": problem("The token is missing, or another one."),
  "403": problem("No token is configured, or another site's page asks."),
};

const post = (operationId: string, summary: string, responses: object, parameters: readonly object[] = []) => ({
  post: {
    operationId,
    summary,
    security: [{ token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { ...responses, ...REFUSED },
  },
});

const name = { type: "string", minLength: 1, maxLength: 255 };
const snapshots = (operationId: string, summary: string, parameter: string) =>
  post(
    operationId,
    summary,
    {
      "200": body("All of it is done.", schema("report")),
      "400": problem("No type was said."),
      "404": problem("There is no such source."),
      "422": problem("No snapshot of that type can be taken."),
      "500": body("Something of it was not done: the report says what, and why.", schema("report")),
      ...NOT_YET,
    },
    [
      {
        name: parameter,
        in: "query",
        required: true,
        description: "A snapshot type of the manifest.",
        schema: name,
        example: "daily",
      },
      {
        name: "source",
        in: "query",
        description:
          "Address of a source, HOST:DATASET or HOST:/PATH, of this machine without HOST: as well; several times for several. Default: all.",
        schema: { type: "array", items: name },
        example: ["nas01:tank/data"],
      },
    ],
  );

const EVENTS = [
  "service: the state of the service (as /api/v1/service), at once and whenever it changed",
  "started: an operation begins",
  "progress: how far it is, twice a second at most",
  "finished: how it ended",
  "reconciled: a pass over one source ended",
  "ran: a run ended in which something was done or failed (an element of /api/v1/runs)",
  "assessed: the status was worked out anew; in short, the whole is at /api/v1/status",
  "manifest: another manifest is in force, or what is in the file is not valid",
];

export const openApi = (version: string) => ({
  openapi: "3.1.0",
  info: {
    title: "Holdfast",
    version,
    summary: "What a running holdfast watch knows, and what it can be asked to do",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: "/" }],
  paths: {
    "/": {
      get: {
        operationId: "dashboard",
        summary: "The dashboard, for people",
        parameters: [
          { name: "source", in: "query", description: "Only this source, by its address.", schema: name },
          {
            name: "part",
            in: "query",
            description: "`live`: only what changes while something runs.",
            schema: { enum: ["live"] },
          },
        ],
        responses: {
          "200": body("The page.", { type: "string" }, "text/html"),
          "404": body("There is no such source.", { type: "string" }, "text/html"),
        },
      },
    },
    "/metrics": get("metrics", "Metrics for Prometheus, from memory", { "200": text("The metrics.") }),
    "/healthz": get("healthz", "Whether the loop turns", { "200": text("It does."), "503": text("It is stuck.") }),
    "/readyz": get("readyz", "Whether the first full observation is done", {
      "200": text("It is."),
      "503": text("Not yet."),
    }),
    "/api/v1/status": known("status", "How every source and each of its copies is", "status"),
    "/api/v1/plan": known("plan", "What would be done now, and why", "plan"),
    "/api/v1/inventory": known("inventory", "All that was observed", "inventory"),
    "/api/v1/runs": get("runs", "What was done lately", { "200": body("Newest first.", schema("runs")) }),
    "/api/v1/service": get("service", "The service itself", { "200": body("Its state.", schema("service")) }),
    "/api/v1/events": {
      get: {
        operationId: "events",
        summary: "What happens, as it happens",
        description: `Server-sent events. ${EVENTS.join("; ")}.`,
        responses: {
          "200": body("Goes on until either side ends it.", { type: "string" }, "text/event-stream"),
          "403": problem("Another site's page asks."),
          "503": problem("Too many listen already."),
        },
      },
    },
    "/api/v1/snapshots": snapshots("takeSnapshots", "Take snapshots now", "type"),
    "/snapshot": snapshots("takeSnapshotsAsBackupd", "The same, in backupd's form", "periodicity"),
    "/api/v1/reconcile": post("reconcile", "Look again now", {
      "202": body("It will.", {
        type: "object",
        properties: { accepted: { const: true } },
        required: ["accepted"],
        additionalProperties: false,
      }),
    }),
    "/api/v1/openapi.json": get("openapi", "This document", { "200": body("OpenAPI 3.1.", { type: "object" }) }),
  },
  components: {
    securitySchemes: {
      token: {
        type: "http",
        scheme: "bearer",
        description: "The content of the file at service.token in the manifest.",
      },
    },
  },
});
