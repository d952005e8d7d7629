// Plans from recorded listings: everything `holdfast plan` does but starting `zfs` and printing.
import { join } from "node:path";
import { observe } from "../src/inventory/index.ts";
import { loadManifest } from "../src/manifest/index.ts";
import type { EpochSeconds } from "../src/model/units.ts";
import { plan } from "../src/planner/index.ts";
import { replay } from "./recording.ts";

const [folder = "", clock = ""] = process.argv.slice(2);
const now = Number(clock) as EpochSeconds;
const path = join(folder, "holdfast.yaml");
const { manifest, diagnostics } = await loadManifest({ path, as: "none", cwd: folder, env: {}, hostname: "bench" });
if (manifest === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
const inventory = await observe(manifest, replay(folder), { now });
const { summary, unobserved } = plan(manifest, inventory, { now });
process.stdout.write(`${JSON.stringify({ ...summary, unobserved: unobserved.length })}\n`);
