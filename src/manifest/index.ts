export { type DeclaredNames, declaredNames } from "./declared.ts";
export { type LoadOptions, loadManifest, type ManifestFiles, parseManifestFiles, readManifestFiles } from "./load.ts";
export { type ManifestFile, type ParsedManifest, parseManifest } from "./parse.ts";
export { warnOfReadableSecrets } from "./secrets.ts";
export type { ParseOptions } from "./settings.ts";
