import inventory from "../../../schemas/inventory.v1.schema.json" with { type: "json" };
import plan from "../../../schemas/plan.v1.schema.json" with { type: "json" };
import problem from "../../../schemas/problem.v1.schema.json" with { type: "json" };
import report from "../../../schemas/report.v1.schema.json" with { type: "json" };
import runs from "../../../schemas/runs.v1.schema.json" with { type: "json" };
import service from "../../../schemas/service.v1.schema.json" with { type: "json" };
import status from "../../../schemas/status.v1.schema.json" with { type: "json" };

const schema = (name: string, content: Readonly<Record<string, unknown>>) => ({
  path: `/schemas/${name}.v1.schema.json`,
  schema: content,
});

/** The published schemas of what is answered here. */
export const SCHEMAS: readonly { readonly path: string; readonly schema: Readonly<Record<string, unknown>> }[] = [
  schema("inventory", inventory),
  schema("plan", plan),
  schema("problem", problem),
  schema("report", report),
  schema("runs", runs),
  schema("service", service),
  schema("status", status),
];
