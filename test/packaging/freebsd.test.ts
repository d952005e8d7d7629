import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { useHoldfast } from "../cli/harness.ts";

const script = fileURLToPath(new URL("../../packaging/freebsd/holdfast", import.meta.url));

/** The methods of rc.subr(8) that the script relies on, as its manual describes them. */
const RC_SUBR = `
load_rc_config() { . "$RC_CONF"; }
run_rc_command() {
  rc_pid=$(cat "$pidfile" 2> /dev/null)
  eval "_cmd=\\$\${1}_cmd _precmd=\\$\${1}_precmd _env=\\$\${name}_env _enabled=\\$$rcvar"
  case $1 in start) [ "$_enabled" = YES ] || exit 1 ;; esac
  if [ -n "$_cmd" ]; then eval "$_cmd"; return; fi
  case $1 in
    start)
      for file in $required_files; do [ -r "$file" ] || exit 1; done
      eval "$_precmd" && eval "\${_env:+env $_env} $command $command_args" ;;
    stop) kill -TERM "$rc_pid"; tail --pid="$rc_pid" -f /dev/null ;;
    status) [ -n "$rc_pid" ] && echo "$name is running as pid $rc_pid." ;;
  esac
}
`;

/** daemon(8), as far as the script asks for it: a supervisor that passes on SIGTERM, and waits. */
const DAEMON = `#!/bin/sh
while getopts P:p:R:ST: option; do
  case $option in P) supervisor=$OPTARG ;; p) child=$OPTARG ;; esac
done
shift $((OPTIND - 1))
(
  "$@" > "$LOG" 2>&1 &
  echo $! > "$child"
  trap 'kill -TERM $!; wait $!; echo "ended with $?" >> "$LOG"; rm -f "$supervisor" "$child"; exit' TERM
  wait $!
) > /dev/null 2>&1 &
echo $! > "$supervisor"
`;

/** Holdfast, and a word about a signal that the file alone would have told it, too. */
const RECORDING = `#!/bin/sh
HOLDFAST "$@" &
trap 'echo "got SIGHUP"; kill -HUP $!' HUP
trap 'kill -TERM $!' TERM
while wait $!; code=$?; kill -0 $! 2> /dev/null; do :; done
exit $code
`;

const holdfast = useHoldfast();
const EMPTY = "version: 1\nservice: { listen: off }\n";
const log = (): string => readFileSync(holdfast.path("log"), "utf8");
const said = (pattern: RegExp) => vi.waitFor(() => expect(log()).toMatch(pattern), { timeout: 30_000 });

function executable(name: string, text: string): string {
  const path = holdfast.write(name, text);
  chmodSync(path, 0o755);
  return path;
}

/** The script itself, with only the two paths of FreeBSD changed. */
function service(word: string): string {
  return execFileSync("sh", [holdfast.path("rc"), word], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: {
      PATH: process.env.PATH,
      HOME: holdfast.folder,
      LOG: holdfast.path("log"),
      RC_CONF: holdfast.path("rc.conf"),
    },
  });
}

beforeAll(() => {
  mkdirSync(holdfast.path("etc"));
  holdfast.write("rc.subr", RC_SUBR);
  const text = readFileSync(script, "utf8")
    .replace(". /etc/rc.subr", `. ${holdfast.path("rc.subr")}`)
    .replace("/usr/sbin/daemon", executable("daemon", DAEMON))
    .replace(/^export PATH=.*$/m, "");
  holdfast.write("rc", text);
  const settings = {
    enable: "YES",
    path: executable("holdfast", RECORDING.replace("HOLDFAST", `${process.execPath} ${holdfast.program}`)),
    manifest: holdfast.write("etc/holdfast.yaml", EMPTY),
    args: "--log-format json",
    state: holdfast.path("db"),
    rundir: holdfast.path("run"),
    user: userInfo().username,
    env: "HOLDFAST_AS=nas01",
  };
  holdfast.write(
    "rc.conf",
    Object.entries(settings)
      .map(([key, value]) => `holdfast_${key}="${value}"\n`)
      .join(""),
  );
});
afterAll(() => {
  if (existsSync(holdfast.path("run/daemon.pid"))) service("stop");
});

test("the rc script starts, reloads and stops the service", async () => {
  expect(service("validate")).toMatch(/^The manifest is valid/);
  service("start");
  await said(/"msg":"watching .*etc\/holdfast\.yaml"/);
  const pid = readFileSync(holdfast.path("run/holdfast.pid"), "utf8").trim();
  expect(service("status")).toMatch(/^holdfast is running as pid \d+\.$/m);
  // its locks, where a command run by hand with the same variables finds them; its state, apart
  expect(execFileSync("ls", [holdfast.path("run")], { encoding: "utf8" })).toMatch(/^watch-\w+\.lock$/m);
  writeFileSync(holdfast.path("etc/holdfast.yaml"), `${EMPTY}timezone: Europe/Berlin\n`);
  service("reload");
  await said(/got SIGHUP/);
  await said(/manifest {2}\+timezone: Europe\/Berlin/);
  expect(readFileSync(holdfast.path("run/holdfast.pid"), "utf8").trim()).toBe(pid);
  service("stop");
  expect(log()).toMatch(/"msg":"ended"[\s\S]*ended with 0/);
});

test("it does not start without a manifest, or when it is not enabled", () => {
  const conf = readFileSync(holdfast.path("rc.conf"), "utf8");
  holdfast.write("rc.conf", conf.replace("holdfast.yaml", "nowhere.yaml"));
  expect(() => service("start")).toThrow();
  holdfast.write("rc.conf", conf.replace("YES", "NO"));
  expect(() => service("start")).toThrow();
  expect(existsSync(holdfast.path("run/daemon.pid"))).toBe(false);
  holdfast.write("rc.conf", conf);
});
