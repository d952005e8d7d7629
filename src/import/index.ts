import { importBackupd } from "./backupd.ts";
import type { Draft, Given, Machine } from "./draft.ts";
import type { Format } from "./formats.ts";
import { importSanoidSyncoid } from "./sanoid-syncoid.ts";
import { importZrepl } from "./zrepl.ts";

export { type Draft, type Given, type Machine, NothingToImport } from "./draft.ts";
export { writeManifest } from "./write.ts";

/**
 * What the configuration of another tool means as a manifest. Nothing that the tool would have kept is destroyed by following
 * it: where its retention has no equal here, more is kept. Throws NothingToImport.
 */
export function importConfiguration(format: Format, file: Given, machine: Machine, syncoid?: Given): Draft {
  switch (format) {
    case "sanoid":
      return importSanoidSyncoid({ sanoid: file, ...(syncoid && { syncoid }) }, machine);
    case "syncoid":
      return importSanoidSyncoid({ syncoid: file }, machine);
    case "zrepl":
      return importZrepl(file, machine);
    case "backupd":
      return importBackupd(file, machine);
  }
}
