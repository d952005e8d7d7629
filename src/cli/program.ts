import { Argument, Command, type CommandOptions, InvalidArgumentError, Option } from "commander";
import { FORMATS } from "../import/formats.ts";
import type { Remedy } from "../model/manifest.ts";
import type { RemoteName } from "../model/units.ts";
import { SHELLS } from "./completion/scripts.ts";
import type { GlobalOptions } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { VERSION } from "./package.ts";
import type { WatchOptions } from "./watch.ts";

/** A command's work; loaded when it is the one that was asked for. */
type Run<Options, Arguments extends readonly unknown[]> = (
  options: Options & GlobalOptions,
  ...args: Arguments
) => Promise<ExitCode>;

const positive = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError("It takes a whole number from 1.");
  return value;
};

/** As the manifest takes one: each unit once, the largest first. */
const DURATION = new RegExp(
  `^(?=.)${["y", "mo", "w", "d", "h", "m", "s"].map((unit) => `(\\d{1,6}${unit})?`).join("")}$`,
);
const duration = (text: string): string => {
  if (!DURATION.test(text))
    throw new InvalidArgumentError(
      "It takes a duration with a unit, such as 30s, 5m or 1h30m, of at most 6 digits each.",
    );
  return text;
};

const list = (text: string, sofar: readonly string[] = []): string[] => [...sofar, text];

const remedies = (
  text: string,
  sofar: ReadonlyMap<RemoteName, Remedy> = new Map(),
): ReadonlyMap<RemoteName, Remedy> => {
  const [, remote, remedy] = /^([^=]+)=(rollback|replace)$/.exec(text) ?? [];
  if (remote === undefined) throw new InvalidArgumentError("It takes REMOTE=rollback or REMOTE=replace.");
  return new Map([...sofar, [remote as RemoteName, remedy as Remedy]]);
};

const json = () => new Option("--json", "print JSON");
const allHosts = () => new Option("--all-hosts", "also what other hosts are responsible for");
const inventory = () => new Option("--inventory <FILE|DIR>", "use what `list --json` recorded; no host is contacted");
const target = () => new Option("--target <SOURCE>", "only this source; patterns and repeats are fine").argParser(list);
const exclude = () =>
  new Option("--exclude <SOURCE>", "all but this source; patterns and repeats are fine").argParser(list);
const allowDestroy = () =>
  new Option("--allow-destroy <N>", "let up to N withheld deletions through").argParser(positive);
const resolve = () =>
  new Option("--resolve <REMOTE=REMEDY>", "rollback or replace the copies on REMOTE that are in the way").argParser(
    remedies,
  );

const withRepository = (command: Command): Command =>
  command
    .option("--repository <REPO>", "also this restic repository (default: $RESTIC_REPOSITORY)")
    .option("--password-file <FILE>", "its password (default: $RESTIC_PASSWORD_FILE, $RESTIC_PASSWORD)");

const retryPartial = () =>
  new Option("--retry-partial", "make copies again that lack files, without waiting for the next snapshot");

/** The whole command line. `finish` gets the exit code of the command that ran. */
export function createProgram(finish: (code: ExitCode) => void): Command {
  const program = new Command("holdfast")
    .description("Keeps backups the way a manifest says: plan shows what would change, apply does it.")
    .option("-f, --file <MANIFEST>", "the manifest, a file or a folder (default: ./holdfast.yaml, then /etc/holdfast/)")
    .option("--as <HOST|none>", "which of the manifest's hosts this machine is; `none` is a controller of all")
    .addOption(
      new Option("--log-level <LEVEL>", "what is logged to stderr; the error that a command ends with always is")
        .choices(["debug", "info", "warn", "error", "silent"])
        .default("info"),
    )
    .addOption(
      new Option("--log-format <FORMAT>", "how it is logged; errors and what is wrong with a manifest are text")
        .choices(["pretty", "json"])
        .default("pretty"),
    )
    .option("--no-color", "plain text (also with NO_COLOR)")
    .addOption(new Option("--concurrency <N>", "transfers at the same time").argParser(positive).default(4))
    .addOption(
      new Option("--lock-timeout <DURATION>", "how long to wait for another apply to end")
        .argParser(duration)
        .default("0s"),
    )
    .version(`holdfast ${VERSION}`, "--version", "print the version")
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showSuggestionAfterError()
    .helpCommand("help [COMMAND]", "help for a command")
    .addHelpText(
      "after",
      examples("holdfast plan", "holdfast apply", "holdfast explain tank/data@daily-20261122T000000Z"),
    );

  const add = <Options, Arguments extends readonly unknown[]>(
    command: Command,
    load: () => Promise<Run<Options, Arguments>>,
    parent = program,
    shown: CommandOptions = {},
  ): void => {
    parent.addCommand(
      command.copyInheritedSettings(program).action(async (...args: unknown[]) => {
        const positional = args.slice(0, -2) as unknown as Arguments;
        const run = await load();
        finish(await run(command.optsWithGlobals(), ...positional));
      }),
      shown,
    );
  };

  add(
    new Command("plan")
      .description("Show what would change; nothing is touched.")
      .addOption(json().conflicts("markdown"))
      .option("--markdown", "print a comment for a pull request")
      .addOption(new Option("--out <FILE>", "save the plan for `apply FILE`").conflicts("base"))
      .option("--detailed-exitcode", "exit with 2 when there are changes or blocked entries")
      .addOption(target())
      .addOption(exclude())
      .option("-v, --verbose", "with the commands and the reason of every kept snapshot")
      .addOption(inventory())
      .option("--base <MANIFEST|git:REF>", "only what the change from that manifest to this one does")
      .addOption(allHosts())
      .addOption(allowDestroy())
      .addOption(resolve())
      .addOption(retryPartial())
      .addHelpText(
        "after",
        examples(
          "holdfast plan -v --target 'tank/vm/*'",
          "holdfast plan --out tonight.json && holdfast apply tonight.json",
          "holdfast plan --inventory recorded.json --base git:origin/main --markdown",
        ),
      ),
    async () => (await import("./plan.ts")).plan,
  );
  add(
    new Command("apply")
      .description("Do what the plan says; asks first.")
      .argument("[PLAN]", "a plan that `plan --out` saved: exactly this is done, where it still holds")
      .option("--yes", "do not ask; needed without a terminal")
      .option("--confirm <ADDRESS>", "of a saved restore in place: the address of what is given up")
      .option("-v, --verbose", "with the commands and what is kept why, and which file is being read")
      .option(
        "--metrics-file <FILE>",
        "afterwards, write how all is for Prometheus' node_exporter (textfile collector)",
      )
      .addOption(json())
      .addOption(target())
      .addOption(exclude())
      .addOption(allHosts())
      .addOption(allowDestroy())
      .addOption(resolve())
      .addOption(retryPartial())
      .addHelpText(
        "after",
        examples(
          "holdfast apply",
          "holdfast apply --yes --target tank/data",
          "holdfast apply --resolve vault=rollback --target tank/vm",
          "holdfast apply tonight.json",
          "holdfast apply --yes --metrics-file /var/lib/prometheus/node-exporter/holdfast.prom",
        ),
      ),
    async () => (await import("./apply.ts")).apply,
  );
  add(
    new Command("watch")
      .description("Keep doing what apply does, as a service: on time, and whenever the manifest changes.")
      .option("--git <URL>", "follow the manifest in a git repository, instead of -f")
      .option("--branch <BRANCH>", "with --git: its branch (default: main)")
      .option("--path <PATH>", "with --git: the manifest's file or folder in it (default: holdfast.yaml)")
      .addOption(
        new Option("--every <DURATION>", "with --git: how often it is asked for something new (default: 1m)").argParser(
          duration,
        ),
      )
      .option("--no-verify", "with --git: also take commits whose signature cannot be verified")
      .addHelpText(
        "after",
        examples(
          "holdfast watch -f /etc/holdfast/holdfast.yaml",
          "holdfast watch --git ssh://git@git.example.net/backups.git --path nas/holdfast.yaml",
        ),
      ),
    async () => {
      const [{ watch }, { PARTS }] = await Promise.all([import("./watch.ts"), import("./watch-parts.ts")]);
      return (options: WatchOptions) => watch(options, PARTS);
    },
  );
  add(
    new Command("suspend")
      .description("Leave sources alone from now on, on this machine and without a commit; what runs comes to its end.")
      .argument("<SOURCE...>", "[HOST:]DATASET or [HOST:]/PATH; patterns are fine")
      .addHelpText("after", examples("holdfast suspend tank/vm", "holdfast suspend 'tank/vm/**' /etc")),
    async () => (await import("./suspend.ts")).suspend,
  );
  add(
    new Command("resume")
      .description("Take up again what `holdfast suspend` suspended.")
      .argument("[SOURCE...]", "as it was given to suspend")
      .option("--all", "everything that was suspended")
      .addHelpText("after", examples("holdfast resume tank/vm", "holdfast resume --all")),
    async () => (await import("./suspend.ts")).resume,
  );
  add(
    new Command("validate")
      .description("Check the manifest; no host is contacted.")
      .addOption(json())
      .addHelpText("after", examples("holdfast validate -f manifests/")),
    async () => (await import("./validate.ts")).validate,
  );
  add(
    new Command("list")
      .description("Show every source's snapshots, and which of its copies have them.")
      .argument("[SOURCE...]", "only these sources; patterns are fine")
      .addOption(json())
      .addOption(inventory())
      .addOption(allHosts())
      .addHelpText("after", examples("holdfast list tank/data", "holdfast list --json > recorded.json")),
    async () => (await import("./list.ts")).list,
  );
  add(
    new Command("status")
      .description("Show how every source and each of its copies is: the newest copy, its age, what is the matter.")
      .addOption(new Option("--source <SOURCE>", "only this source; patterns and repeats are fine").argParser(list))
      .option("--fresh", "look now, also where a running service knows")
      .option("--check", "one line and an exit code for Nagios and Icinga: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN")
      .addOption(json().conflicts("check"))
      .addOption(inventory())
      .addOption(allHosts())
      .addHelpText(
        "after",
        examples("holdfast status", "holdfast status --source 'tank/vm/*' --fresh", "holdfast status --check"),
      ),
    async () => (await import("./status.ts")).status,
  );
  add(
    new Command("explain")
      .description("Say why a source has its keys, or why a snapshot is kept, destroyed, sent or blocked.")
      .argument("<ADDRESS>", "[HOST:]DATASET[@SNAPSHOT], or a directory's [HOST:]PATH[@ID]")
      .option("--on <REMOTE>", "its copy there")
      .addOption(json())
      .addOption(inventory())
      .addOption(allHosts())
      .addHelpText(
        "after",
        examples("holdfast explain tank/data", "holdfast explain nas01:tank/data@daily-20261122T000000Z --on vault"),
      ),
    async () => (await import("./explain.ts")).explain,
  );
  add(
    new Command("simulate")
      .description("Play the manifest forward: how many snapshots of which age there will be, where, on each date.")
      .option("--for <DURATION>", "how far ahead, such as 1y, 90d or 36h (mo = 30 days, y = 365 days)", duration)
      .option("--every <DURATION>", "from one line to the next (default: a day, a week, then months)", duration)
      .addOption(new Option("--empty", "as if nothing were there yet; no host is contacted").conflicts("inventory"))
      .addOption(inventory())
      .addOption(target())
      .addOption(exclude())
      .addOption(json())
      .addOption(allHosts())
      .addHelpText(
        "after",
        examples(
          "holdfast simulate --for 1y",
          "holdfast simulate --for 90d --every 1w --target tank/data",
          "holdfast simulate --for 2y --empty -f proposed.yaml",
        ),
      ),
    async () => (await import("./simulate.ts")).simulate,
  );
  add(
    new Command("snapshot")
      .description("Take a snapshot now, whether it is due or not; of a directory, a backup.")
      .argument("<TYPE>", "a snapshot type of the manifest")
      .argument("[SOURCE...]", "of these sources; patterns are fine; default: every source")
      .addOption(json())
      .addOption(allHosts())
      .addHelpText(
        "after",
        examples(
          "holdfast snapshot critical tank/db",
          "holdfast snapshot hourly 'nas*:tank/**'",
          "holdfast snapshot daily /etc",
        ),
      ),
    async () => (await import("./snapshot.ts")).snapshot,
  );
  add(
    new Command("restore")
      .description("Bring a source back from any of its copies: beside the original, unless told otherwise.")
      .argument("[SOURCE]", "[HOST:]DATASET[@SNAPSHOT], or a directory's [HOST:]PATH")
      .option("--all [HOST]", "every source of a host (default: this one) that is not there, most important first")
      .option("--at <TIME>", 'the newest from then or before: "2026-11-21 18:00", 2026-11-21, or 3h for hours ago')
      .option("--snapshot <NAME>", "this one, by its name or the beginning of restic's id")
      .option("--from <REMOTE|MIRROR|source>", "from this place; `source` for the source's own snapshots")
      .option("--to <PLACE>", "another dataset or folder, [HOST:]DATASET or [HOST:]PATH")
      .option("--to-host <HOST>", "another host, at the same place there")
      .option("--in-place", "roll the source itself back, or replace it; its address has to be typed again")
      .option("--path <PATH>", "only this file or folder, relative to the source; repeats are fine", list)
      .option("--recursive", "the sources below it, too, as they were at the same time")
      .option("--with-snapshots", "all snapshots up to it, not it alone")
      .addOption(
        new Option(
          "--repository [REPO]",
          "no manifest: from this restic repository (default: $RESTIC_REPOSITORY)",
        ).conflicts(["dataset", "from", "out", "toHost"]),
      )
      .option("--password-file <FILE>", "its password (default: $RESTIC_PASSWORD_FILE, $RESTIC_PASSWORD)")
      .addOption(
        new Option("--dataset <COPY>", "no manifest: from this copy, [[USER@]HOST:]DATASET[@SNAPSHOT]").conflicts([
          ...["all", "from", "inPlace", "out", "snapshot", "toHost"],
        ]),
      )
      .option("--print", "print the plain commands, and run nothing")
      .option("--out <FILE>", "save the plan for `apply FILE`, and run nothing")
      .option("--yes", "do not ask; needed without a terminal")
      .option("--confirm <ADDRESS>", "with --in-place: the source's address again, instead of typing it")
      .option("-v, --verbose", "with the commands")
      .addOption(json().conflicts("print"))
      .addHelpText(
        "after",
        examples(
          "holdfast restore tank/data",
          'holdfast restore tank/data --at "2026-11-21 18:00" --from vault --with-snapshots',
          "holdfast restore tank/home --path alice/thesis.tex",
          "holdfast restore /etc --to /root/etc-of-last-week --at 7d",
          "holdfast restore tank/vm@daily-20261122T000000Z --in-place",
          "holdfast restore --all --to-host nas02",
          "holdfast restore --repository /mnt/usb/restic --password-file pw nas:/etc --to /root/etc",
          "holdfast restore --dataset root@vault:pool/backups/nas/tank/data --to tank/data --recursive",
        ),
      ),
    async () => (await import("./restore.ts")).restore,
  );
  add(
    new Command("verify")
      .description("Prove that copies restore: restore drills that compare contents, now instead of by schedule.")
      .argument("[SOURCE...]", "copies of these sources; patterns are fine; default: every source")
      .option("--on <REMOTE>", "only those on this remote or mirror; repeats are fine", list)
      .addOption(
        new Option(
          "--sample <SIZE>",
          "how much of each copy, such as 1GiB (default: what `verify.sample` says)",
        ).conflicts("full"),
      )
      .option("--full", "all of each copy")
      .option("-v, --verbose", "with the commands")
      .addOption(json())
      .addOption(allHosts())
      .addHelpText(
        "after",
        examples(
          "holdfast verify",
          "holdfast verify tank/finance --on vault --sample 10GiB",
          "holdfast verify /etc --full --json",
        ),
      ),
    async () => (await import("./verify.ts")).verify,
  );
  add(
    new Command("recovery-kit")
      .description("Print the page for the safe: what it takes to restore without Holdfast. It holds no secret.")
      .argument("[SOURCE...]", "only these sources; patterns are fine; default: every source")
      .addOption(new Option("--html", "a page to print, instead of Markdown").conflicts("json"))
      .addOption(json())
      .option("--out <FILE>", "write it there, for you alone; over an older kit, and over nothing else")
      .option("--no-fingerprints", "nothing by which a password or key could be known, or guessed at")
      .addOption(inventory())
      .addOption(allHosts())
      .addHelpText(
        "after",
        examples(
          "holdfast recovery-kit",
          "holdfast recovery-kit --html --out recovery-kit.html",
          "holdfast recovery-kit 'tank/vm/*' --no-fingerprints",
        ),
      ),
    async () => (await import("./recovery-kit.ts")).recoveryKit,
  );
  add(
    new Command("ls")
      .description("Look into a snapshot or copy: what is in a folder of it. Nothing is restored.")
      .argument("<ADDRESS>", "[HOST:]DATASET[@SNAPSHOT], or a directory's [HOST:]PATH")
      .argument("[PATH]", "a folder or file, relative to the source (default: its top)")
      .option("--on <REMOTE|MIRROR|source>", "the copy there; `source` for the source's own snapshots")
      .option("--at <TIME>", 'the newest from then or before: "2026-11-21 18:00", 2026-11-21, or 3h for hours ago')
      .option("--snapshot <NAME|ID>", "this one, by its name or the beginning of restic's id")
      .addOption(json())
      .addHelpText(
        "after",
        examples(
          "holdfast ls tank/home",
          "holdfast ls tank/home@daily-20261122T000000Z alice/thesis --on vault",
          "holdfast ls /etc ssl/private --at 7d",
        ),
      ),
    async () => (await import("./ls.ts")).ls,
  );
  add(
    new Command("find")
      .description(
        "Say which snapshots and copies have a file or folder of that name, newest first. Nothing is restored.",
      )
      .argument(
        "<NAME|PATTERN>",
        "a name; *, ? and [...] are patterns; with a / in it a path from the source's top, ** any folders",
      )
      .argument("[SOURCE...]", "only in these sources; patterns are fine; default: every source")
      .option("-i, --ignore-case", "capital letters or not")
      .option("-F, --literal", "it is no pattern: *, ?, [ and \\ are themselves")
      .addOption(new Option("--type <TYPE>", "only these").choices(["file", "folder", "link"]))
      .option(
        "--from <REMOTE|MIRROR|source>",
        "only there; `source` for the source's own snapshots; repeats are fine",
        list,
      )
      .option(
        "--newer <TIME>",
        'only what was changed then or later: "2026-11-21 18:00", 2026-11-21, or 3d for days ago',
      )
      .option("--older <TIME>", "only what was changed then or earlier")
      .option("--since <TIME>", "only in snapshots and copies from then or later")
      .option("--until <TIME>", "only in snapshots and copies from then or earlier")
      .addOption(new Option("--limit <N>", "how many versions of each path").argParser(positive).default(3))
      .option("-v, --verbose", "with every place, and the command for each version")
      .addOption(json())
      .addOption(allHosts())
      .addHelpText(
        "after",
        examples(
          "holdfast find thesis.tex",
          "holdfast find '*.jpg' tank/photos --until 2026-10-01",
          "holdfast find 'alice/**/notes-?.md' --from vault --limit 20",
          "holdfast find -iF 'scan[1].pdf' -v",
        ),
      ),
    async () => (await import("./find.ts")).find,
  );
  add(
    new Command("doctor")
      .description(
        "Look for what would go wrong: reachability, host keys, versions, clocks, rights, space, mount points.",
      )
      .addOption(json())
      .addOption(allHosts())
      .addHelpText("after", examples("holdfast doctor", "holdfast doctor --json --as none")),
    async () => (await import("./doctor.ts")).doctor,
  );
  const notify = new Command("notify")
    .description("Try out who is told when something is the matter.")
    .copyInheritedSettings(program)
    .addHelpText("after", examples("holdfast notify test"));
  program.addCommand(notify);
  add(
    new Command("test")
      .description("Send a test message to each of the manifest's notifications, and say for each whether it arrived.")
      .addOption(
        new Option("--only <TYPE...>", "only those of these types").choices([
          "webhook",
          "ntfy",
          "slack",
          "discord",
          "telegram",
          "gotify",
          "email",
        ]),
      )
      .addOption(json())
      .addHelpText("after", examples("holdfast notify test", "holdfast notify test --only email ntfy")),
    async () => (await import("./notify.ts")).notifyTest,
    notify,
  );
  add(
    withRepository(new Command("audit"))
      .description(
        "Look at this machine without a manifest: what nothing protects, and what is wrong with copies, holds and repositories.",
      )
      .addOption(json())
      .addHelpText(
        "after",
        examples("holdfast audit", "holdfast audit --repository /mnt/usb/restic --password-file /root/usb.password"),
      ),
    async () => (await import("./audit.ts")).audit,
  );
  add(
    withRepository(new Command("init"))
      .description("Write a manifest to begin with, from what is on this machine; never over one that is there.")
      .addHelpText("after", examples("holdfast init", "holdfast init -f backups/holdfast.yaml")),
    async () => (await import("./init.ts")).init,
  );
  add(
    new Command("import")
      .description("Print a manifest that does what another tool's configuration says. Nothing else is touched.")
      .addArgument(new Argument("<FORMAT>", "whose configuration it is").choices(FORMATS))
      .argument("<FILE>", "its file; of syncoid a crontab, or a script with its command lines")
      .option("--syncoid <FILE>", "with sanoid: the crontab or script that calls syncoid, for one manifest of both")
      .option("--out <FILE>", "write it there, never over a file that is there")
      .addOption(json().conflicts("out"))
      .addHelpText(
        "after",
        examples(
          "holdfast import sanoid /etc/sanoid/sanoid.conf --out holdfast.yaml",
          "holdfast import sanoid /etc/sanoid/sanoid.conf --syncoid /etc/cron.d/syncoid",
          "crontab -l | holdfast import syncoid /dev/stdin",
          "holdfast import zrepl /etc/zrepl/zrepl.yml",
          "holdfast import backupd /etc/backupd.toml",
        ),
      ),
    async () => (await import("./import.ts")).importManifest,
  );
  add(
    new Command("unlock")
      .description("Show who locks restic repositories, and remove the locks that were left behind; none that is held.")
      .argument("[REMOTE...]", "only these remotes and mirrors; default: every restic repository")
      .addOption(json())
      .addOption(allHosts())
      .addHelpText("after", examples("holdfast unlock", "holdfast unlock b2 wasabi", "holdfast unlock --json")),
    async () => (await import("./unlock.ts")).unlock,
  );
  add(
    new Command("completion")
      .description("Print what makes a shell complete commands, options, and the names in the manifest.")
      .addArgument(new Argument("<SHELL>", "which shell").choices(SHELLS))
      .addHelpText(
        "after",
        examples(
          "holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
          "source <(holdfast completion bash)",
        ),
      ),
    async () => (await import("./completion.ts")).completion,
  );
  const complete = new Command("complete")
    .description("Say what may come next on a command line; the scripts of `completion` ask it.")
    .addArgument(new Argument("<SHELL>", "whose line it is").choices(SHELLS))
    .argument("[TYPED...]", "the line, as that script gives it");
  add(complete, async () => (await import("./complete.ts")).complete, program, { hidden: true });
  add(
    new Command("version")
      .description("Print the version.")
      .addOption(json())
      .addHelpText("after", examples("holdfast version --json")),
    async () => (await import("./version.ts")).version,
  );
  return program;
}

const examples = (...lines: readonly string[]): string =>
  `\n${lines.length === 1 ? "Example" : "Examples"}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
