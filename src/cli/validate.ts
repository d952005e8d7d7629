import type { Validation } from "../model/answers.ts";
import { renderDiagnostics } from "../render/diagnostics.ts";
import { plural } from "../render/text.ts";
import { forStderr, type GlobalOptions, lookup } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { answer, answerJson, tell } from "./terminal.ts";

export async function validate(options: GlobalOptions & { readonly json?: true }): Promise<ExitCode> {
  const { loadManifest, warnOfReadableSecrets } = await import("../manifest/index.ts");
  const path = options.file === undefined ? {} : { path: options.file };
  const { manifest, secretFiles, ...loaded } = await loadManifest({ ...path, ...lookup(options) });
  const weak = manifest?.service.token && (await (await import("./token.ts")).checkTokenFile(manifest, secretFiles));
  const forbidden = manifest && (await import("./here.ts")).forbiddenHere(manifest);
  const diagnostics = [
    ...loaded.diagnostics,
    ...(forbidden ?? []),
    ...(weak ?? []),
    ...(await warnOfReadableSecrets(secretFiles)),
  ];
  const isValid = !diagnostics.some(({ severity }) => severity === "error");
  const code = isValid ? EXIT.ok : EXIT.invalidManifest;
  if (options.json) {
    const validation: Validation = {
      formatVersion: 1,
      valid: isValid,
      ...(manifest === undefined ? {} : { digest: manifest.digest }),
      diagnostics,
    };
    answerJson(validation);
    return code;
  }
  tell(renderDiagnostics(diagnostics, forStderr(options)));
  if (manifest !== undefined && isValid) {
    const counted = [
      [manifest.datasets.length, "dataset entry", "dataset entries"],
      [manifest.directories.length, "directory", "directories"],
      [manifest.remotes.size, "remote", "remotes"],
      [manifest.mirrors.size, "mirror", "mirrors"],
      [manifest.hosts.size, "host", "hosts"],
    ] as const;
    const counts = counted.flatMap(([count, one, many]) => (count === 0 ? [] : [plural(count, one, many)])).join(", ");
    answer(`The manifest is valid: ${counts}.\n`);
  }
  return code;
}
