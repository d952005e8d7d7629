import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { sets } from "./test/scenario/harness/machine.ts";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "fast",
          maxWorkers: 1 + availableParallelism(), // much of it waits
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: ["test/scenario/**"],
          testTimeout: 300_000, // thousands of random cases, on a machine that has other work too
        },
      },
      {
        // Real restic and the servers it meets.
        test: {
          name: "restic",
          include: ["test/scenario/restic/**/*.test.ts"],
          testTimeout: 300_000, // on a machine that has other work too
          hookTimeout: 60_000,
        },
      },
      {
        // A real Prometheus, which scrapes.
        test: {
          name: "prometheus",
          include: ["test/scenario/prometheus/**/*.test.ts"],
          testTimeout: 120_000, // on a machine that has other work too
          hookTimeout: 120_000,
        },
      },
      {
        // The dashboard in a real browser.
        test: {
          name: "page",
          include: ["test/scenario/page/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000, // the first time the browser is fetched
        },
      },
      {
        // What is shipped to install it: by systemd's and the shell's own checks.
        test: {
          name: "packaging",
          include: ["test/scenario/packaging/**/*.test.ts"],
          testTimeout: 60_000, // on a machine that has other work too
        },
      },
      {
        // Completion in real shells, each in a terminal.
        test: {
          name: "shells",
          include: ["test/scenario/shells/**/*.test.ts"],
          testTimeout: 60_000, // on a machine that has other work too
          hookTimeout: 60_000,
        },
      },
      {
        // Real OpenZFS: emulated machines, booted once, two for each worker, and much patience.
        test: {
          name: "zfs",
          include: ["test/scenario/zfs/**/*.test.ts"],
          globalSetup: ["test/scenario/harness/boot.ts"],
          maxWorkers: sets,
          testTimeout: 900_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
