import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect } from "vitest";
import { stringify } from "yaml";
import { test } from "../harness/index.ts";
import { bootSystem, type System } from "./systemd.ts";

const project = join(import.meta.dirname, "../../..");
const page = readFileSync(join(project, "docs/install.md"), "utf8");
/** The first commands below a heading, as they are printed; here everybody is root. */
function commandsBelow(heading: string): string[] {
  const [, below = ""] = page.split(`\n${heading}\n`);
  const [, block = ""] = /^```sh\n(.*?)^```$/ms.exec(below) ?? [];
  return block
    .replaceAll(/\bsudo /g, "")
    .split(/(?<![\\|])\n(?! )/)
    .filter((line) => line !== "");
}

const MANIFEST = "/etc/holdfast/holdfast.yaml";
const manifestOf = (keep: object, remotes: object): string =>
  stringify({
    version: 1,
    service: { token: { credential: "api" } },
    remotes: {
      usb: { type: "zfs", root: "drive/copies", removable: true, maxAge: "35d" },
      repo: { type: "restic", repository: "/srv/repository", password: { credential: "repo" }, init: true },
    },
    datasets: { "src/data": { keep, remotes } },
    directories: { "/home/user": { keep: { hourly: 2 }, remotes: { repo: {} } } },
  });
const everything = { usb: {}, repo: {} };

let system: System | undefined;
afterEach(async () => {
  await system?.sh(
    "systemctl stop holdfast holdfast-apply.timer; for pool in drive src; do ! zpool list $pool > /dev/null 2>&1 || zpool destroy -f $pool; done",
  );
  await system?.stop();
  system = undefined;
});

const RESTIC = "restic -r /srv/repository -p /etc/holdfast/credentials/repo --no-cache --no-lock";

describe("under systemd", () => {
  test("the service is installed as the page says, and keeps what the manifest says", async ({ world: { nas } }) => {
    system = await bootSystem(nas);
    const { sh, until, put } = system;
    await sh(
      `for pool in src drive; do truncate -s 96M /pools/$pool.img && zpool create -o cachefile=none -O mountpoint=/$pool $pool /pools/$pool.img; done
       zfs create src/data && echo precious > /src/data/file && mkdir -p /home/user /srv && echo mine > /home/user/file`,
    );

    // as printed, up to the point where it says to look at the manifest
    const commands = commandsBelow("## As a service of systemd");
    expect(commands).toHaveLength(5);
    for (const command of commands.slice(0, 4)) await sh(command);
    expect(await sh(`holdfast validate -f ${MANIFEST}`)).toContain("The manifest is valid");
    for (const name of ["repo", "api"])
      await sh(
        `install -d -m 700 /etc/holdfast/credentials; echo ${name}-0123456789abcdef | install -m 600 /dev/stdin /etc/holdfast/credentials/${name}`,
      );
    await put(MANIFEST, manifestOf({ hourly: 3 }, everything));
    await put(
      "/etc/systemd/system/holdfast.service.d/local.conf",
      `[Service]
       ReadWritePaths=/srv/repository
       LoadCredential=repo:/etc/holdfast/credentials/repo
       LoadCredential=api:/etc/holdfast/credentials/api
       WatchdogSec=20s
       RestartSec=1s
      `,
    );
    await sh("systemctl daemon-reload");
    // repositories are made by hand
    await sh(`CREDENTIALS_DIRECTORY=/etc/holdfast/credentials holdfast apply --yes -f ${MANIFEST}`);
    expect(await sh("zfs list -H -o name -t snapshot -r drive/copies | wc -l")).toBe("1");

    // it says when it is ready, and `systemctl` waits for that
    await sh(commands[4] ?? "");
    expect(await sh("systemctl status holdfast --no-pager")).toMatch(
      /Active: active \(running\)[\s\S]*Status: "watching \/etc\/holdfast\/holdfast\.yaml"/,
    );

    // what is due it does within its bounds: a snapshot, a copy to another pool, one to a repository, from a mounted snapshot
    await put(MANIFEST, manifestOf({ hourly: 3, daily: 3 }, everything));
    await sh("systemctl reload holdfast");
    await until("zfs list -H -o name -t snapshot -r drive/copies | grep daily");
    await until(`${RESTIC} snapshots --json | grep daily`);
    expect(await sh(`${RESTIC} ls latest --tag source=$(hostname):src/data`)).toContain("file");
    expect(await sh("systemctl show holdfast -p ActiveState,NRestarts")).toBe("NRestarts=0\nActiveState=active");
    expect(await sh("journalctl -u holdfast --no-pager")).not.toMatch(/ (?:error|failed) /);
    expect(await sh("ls /var/cache/holdfast/restic | wc -l")).not.toBe("0");

    // a disk can be unplugged under it
    await sh("zpool export drive");
    await sh("zpool import -d /pools drive");

    // the watchdog: alive it is left alone, and what hangs is started again
    const fed = await sh("systemctl show holdfast -p WatchdogTimestampMonotonic --value");
    await until(`[ "$(systemctl show holdfast -p WatchdogTimestampMonotonic --value)" != ${fed} ]`);
    const before = await sh("systemctl show holdfast -p MainPID --value");
    await sh(`kill -STOP ${before}`);
    await until('[ "$(systemctl show holdfast -p NRestarts --value)" = 1 ] && systemctl is-active holdfast');
    expect(await sh("journalctl -u holdfast --no-pager")).toContain("Watchdog timeout");

    await sh("systemctl stop holdfast");
    expect(await sh("systemctl show holdfast -p Result,ExecMainStatus")).toBe("Result=success\nExecMainStatus=0");
    expect(await sh("journalctl -u holdfast --no-pager -n 10")).toContain("ended");

    // the alternative: one run, with metrics
    await sh(
      "mkdir -p /etc/systemd/system/holdfast-apply.service.d && cp /etc/systemd/system/holdfast.service.d/local.conf /etc/systemd/system/holdfast-apply.service.d/ && sed -i /Watchdog/d /etc/systemd/system/holdfast-apply.service.d/local.conf && systemctl daemon-reload",
    );
    await put(MANIFEST, manifestOf({ hourly: 3, daily: 3, weekly: 3 }, everything));
    await sh("systemctl start holdfast-apply");
    expect(await sh("zfs list -H -o name -t snapshot -r drive/copies")).toContain("weekly");
    expect(await sh("cat /var/lib/holdfast/metrics/holdfast.prom")).toContain("holdfast_build_info");
    for (const command of commandsBelow("## A timer instead")) await sh(command);
    expect(await sh("systemctl list-timers --no-pager")).toContain("holdfast-apply.timer");

    // another version in its place, and none: as printed
    const kept = () => sh("zfs list -H -o name,guid -t snapshot -r src drive");
    const snapshots = await kept();
    const given = "export CREDENTIALS_DIRECTORY=/etc/holdfast/credentials";
    for (const command of commandsBelow("## Upgrade")) await sh(`${given}; ${command}`);
    expect(await sh("systemctl is-active holdfast; ls /usr/local/lib")).toBe("active\nholdfast\nholdfast.before");
    await until("holdfast status --check");
    for (const command of commandsBelow("## Uninstall")) await sh(command);
    expect(await sh("ls /usr/local/bin /usr/local/lib /etc/systemd/system /var/lib /var/cache /run")).not.toMatch(
      /holdfast(?!\.before)/,
    );
    expect(await sh("systemctl list-units --all --no-pager")).not.toContain("holdfast");
    expect(await kept()).toBe(snapshots);
    expect(await sh(`cat ${MANIFEST}`)).not.toBe("");
  });

  test("the service works as an account of its own, with delegated rights", async ({ world: { nas } }) => {
    system = await bootSystem(nas);
    const { sh, until, put } = system;
    await sh(
      `for pool in src drive; do truncate -s 96M /pools/$pool.img && zpool create -o cachefile=none -O mountpoint=/$pool $pool /pools/$pool.img; done
       zfs create src/data && echo precious > /src/data/file && zfs create drive/copies`,
    );
    for (const command of commandsBelow("## As a service of systemd").slice(0, 3)) await sh(command);
    const [, copy = "", restart = ""] = commandsBelow("### As an account of its own");
    await put(
      MANIFEST,
      stringify({
        version: 1,
        remotes: { usb: { type: "zfs", root: "drive/copies" } },
        datasets: { "src/data": { keep: { hourly: 2 }, remotes: { usb: {} } } },
      }),
    );
    await sh(
      `zfs allow -u holdfast bookmark,destroy,hold,mount,send,snapshot,userprop src
       zfs allow -u holdfast canmount,create,destroy,mount,readonly,receive,userprop drive/copies`,
    );
    await sh(copy);
    await sh(restart);
    await until("zfs list -H -o name -t snapshot -r drive/copies | grep hourly");
    expect(await sh("grep ^Uid: /proc/$(systemctl show holdfast -p MainPID --value)/status")).toMatch(/^Uid:\s990\s/);
    expect(await sh("grep ^CapEff: /proc/$(systemctl show holdfast -p MainPID --value)/status")).toMatch(/\s0+$/);
    expect(await sh("stat -c %U /var/lib/holdfast /run/holdfast")).toBe("holdfast\nholdfast");
    await sh("systemctl stop holdfast");
    expect(await sh("systemctl show holdfast -p Result --value")).toBe("success");
  });
});
