import type { World } from "./world.ts";

/** Writes the manifest of a directory of which all snapshots of type `a` stay, there and on the remote `usb`. */
export function oneDirectory(world: World, source: string, usb: { readonly entry: object }, more: object = {}): void {
  world.manifest({
    snapshotTypes: { a: {} },
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: { [source]: { keep: { a: "all" }, remotes: { usb: {} } } },
    ...more,
  });
}
