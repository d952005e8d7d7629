// Bundles src/cli/main.ts into dist/: one small file that starts at once, and chunks that commands load when they need
// them. Everything is inside, so that dist/ works wherever node does.
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const program = join(dist, "holdfast.js");
const shebang = "#!/usr/bin/env node\n";

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: { holdfast: "src/cli/main.ts" },
  outdir: dist,
  write: false,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  chunkNames: "chunks/[name]-[hash]",
  // ssh2's native parts are optional and tried in a `try`: without them it does the same, a little slower
  external: ["*.node", "cpu-features"],
  // what CommonJS packages expect around them and an ES module does not have
  banner: {
    js: [
      'import { createRequire as holdfastRequire } from "node:module";',
      "const require = holdfastRequire(import.meta.url);",
      "const __filename = import.meta.filename, __dirname = import.meta.dirname;",
    ].join(" "),
  },
  legalComments: "none",
  minifySyntax: true,
  logLevel: "warning",
}).catch(() => process.exit(1));

// only now: a build that fails leaves the last good one
await rm(dist, { recursive: true, force: true });
for (const { path, text } of outputFiles) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, path === program && !text.startsWith("#!") ? shebang + text : text);
}
await chmod(program, 0o755);
