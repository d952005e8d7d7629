import { expect, test } from "vitest";
import { readStatus } from "../../../src/remotes/zfs/verify.ts";

const printed = (scan: string, errors: string): string => `  pool: backup
 state: ONLINE
${scan}config:

\tNAME        STATE     READ WRITE CKSUM
\tbackup      ONLINE       0     0     0
\t  sda       ONLINE       0     0     2

errors: ${errors}
`;
const SCRUB = "  scan: scrub repaired 0B in 00:00:01 with 0 errors on Sun Nov  8 00:24:02 2026\n";
const DAMAGE = `Permanent errors have been detected in the following files:

        backup/tank/data@daily-1:/home/thesis
        backup/tank/data:<0x5>
        backup/tank/data2@daily-1:/other
        <0x123>:<0x4>`;

test.each([
  ["", "No known data errors", { scan: "has never been scrubbed", damaged: [] }],
  ["  scan: none requested\n", "No known data errors", { scan: "has never been scrubbed", damaged: [] }],
  [
    SCRUB,
    "No known data errors",
    { scan: "last scan: scrub repaired 0B in 00:00:01 with 0 errors on Sun Nov  8 00:24:02 2026", damaged: [] },
  ],
  [
    SCRUB,
    DAMAGE,
    {
      scan: expect.any(String),
      damaged: [
        { what: "backup/tank/data@daily-1:/home/thesis", how: "damaged, as the pool knows" },
        { what: "backup/tank/data:<0x5>", how: "damaged, as the pool knows" },
      ],
    },
  ],
])("what zpool status says of one dataset: %#", (scan, errors, expected) => {
  expect(readStatus(printed(scan, errors), "backup/tank/data")).toEqual(expected);
});
