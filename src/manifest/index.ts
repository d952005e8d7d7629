export { type ManifestFiles, readManifestFiles } from "./files.ts";
export { type LoadOptions, loadManifest, parseManifestFiles } from "./load.ts";
export { type ManifestFile, type ParsedManifest, parseManifest } from "./parse.ts";
export { warnOfReadableSecrets } from "./secrets.ts";
export type { ParseOptions } from "./settings.ts";
