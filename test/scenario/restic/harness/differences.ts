import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { programs } from "./world.ts";

/** Lines of `rsync` for what differs; restic does not keep the time of the source's own folder. */
export const differences = (from: string, to: string): string[] =>
  execFileSync(join(programs(), "rsync"), ["-anciXH", "--delete", `${from}/`, `${to}/`], { encoding: "latin1" })
    .split("\n")
    .filter((line) => line !== "" && !/^\.d\.\.[tpT.]{2}\S* \.\/$/.test(line));
