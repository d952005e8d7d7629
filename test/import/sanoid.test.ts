import { describe, expect, test } from "vitest";
import { importConfiguration, NothingToImport } from "../../src/import/index.ts";
import { machine, outcome, plain } from "./helpers.ts";

const sanoid = (text: string, syncoid?: string) =>
  outcome(
    importConfiguration(
      "sanoid",
      { name: "sanoid.conf", text },
      machine,
      syncoid === undefined ? undefined : { name: "crontab", text: syncoid },
    ),
  );

/** In the manner of the file that comes with sanoid. */
const TEMPLATES = `
[template_demo]
	daily = 60

[template_production]
	frequently = 0
	hourly = 36
	daily = 30
	weekly = 4
	monthly = 3
	yearly = 0
	autosnap = yes
	autoprune = yes

[template_backup]
	autoprune = yes
	hourly = 30
	daily = 90
	weekly = 4
	monthly = 12
	autosnap = no
	hourly_warn = 2880

[template_ignore]
	autoprune = no
	autosnap = no
	monitor = no
`;

test("datasets by templates, their own settings, and recursion", () => {
  const { text, remarks } = sanoid(`
# a comment
[tank/data]
	use_template = production,demo
	hourly = 12
	monthly = 1

[tank/parent]
	use_template = production
	recursive = yes
	process_children_only = yes

[tank/parent/child]
	use_template = demo

[tank/parent2]
	use_template = production
	recursive = zfs
${TEMPLATES}`);
  expect(text).toMatchInlineSnapshot(`
    "# What tool.conf says, as holdfast import understands it: read it before it is used.

    version: 1
    timezone: Europe/Berlin

    snapshotTypes:
      hourly: { schedule: "0 * * * *", adopt: [ "autosnap_*_hourly" ] }
      daily: { schedule: "59 23 * * *", adopt: [ "autosnap_*_daily" ] }
      weekly: { schedule: "30 23 * * 1", adopt: [ "autosnap_*_weekly" ] }
      monthly: { schedule: "0 0 1 * *", adopt: [ "autosnap_*_monthly" ] }

    datasets:
      tank/data:
        keep:
          hourly: { count: 12, within: 12h }
          daily: { count: 60, within: 60d }
          weekly: { count: 4, within: 28d }
          monthly: { count: 1, within: 31d }
      "tank/parent/*":
        recursive: true
        keep:
          hourly: { count: 36, within: 36h }
          daily: { count: 30, within: 30d }
          weekly: { count: 4, within: 28d }
          monthly: { count: 3, within: 93d }
      tank/parent/child:
        recursive: false
        keep:
          hourly: { count: 36, within: 36h }
          daily: { count: 60, within: 60d }
          weekly: { count: 4, within: 28d }
          monthly: { count: 3, within: 93d }
      "tank/parent/child/*":
        recursive: true
        keep:
          hourly: { count: 36, within: 36h }
          daily: { count: 30, within: 30d }
          weekly: { count: 4, within: 28d }
          monthly: { count: 3, within: 93d }
      tank/parent2:
        recursive: true
        keep:
          hourly: { count: 36, within: 36h }
          daily: { count: 30, within: 30d }
          weekly: { count: 4, within: 28d }
          monthly: { count: 3, within: 93d }
    "
  `);
  expect(remarks).toEqual([]);
});

describe("what sanoid says of one dataset", () => {
  const rows: readonly (readonly [what: string, conf: string])[] = [
    ["the defaults", "[t]"],
    ["the user's own defaults", "[t]\n[template_default]\nhourly = 1\nmonthly = 0"],
    ["nothing is taken", "[t]\nautosnap = no"],
    ["nothing is pruned", "[t]\nautoprune = off"],
    ["neither: left alone, but for another", "[t]\nautosnap=0\nautoprune=0\n[u]"],
    ["a section with a path", "[name]\npath = t/u\ndaily = 1\nhourly=0\nmonthly=0"],
    ["years", "[t]\nhourly=0\ndaily=0\nmonthly=0\nyearly=2"],
    ["a section before the one around it is overwritten", "[t/a]\ndaily=7\n[t]\nrecursive=yes\ndaily=9"],
    ["a section after it adds to it", "[t]\nrecursive=yes\ndaily=9\n[t/a]\nhourly=7"],
    ["left out of a recursion", "[t]\nrecursive=yes\n[t/a]\nautosnap=no\nautoprune=no"],
    ["left out with what is below", "[t]\nrecursive=yes\n[t/a]\nautosnap=no\nautoprune=no\nrecursive=yes"],
    ["children are skipped", "[t]\nrecursive=yes\n[t/a]\nskip_children=yes"],
    ["below recursive = zfs what is taken there is taken", "[t]\nrecursive=zfs\n[t/a]\nautosnap=no\ndaily=3"],
    ["several frequent periods", "[t]\nfrequently=4\n[u]\nfrequently=6\nfrequent_period=5"],
  ];
  test.each(rows)("%s", (_, conf) => {
    expect(plain(sanoid(conf).text)).toMatchSnapshot();
  });
});

test("what is not understood is named with its line", () => {
  const { remarks, text } = sanoid(`[tank]
daily = 7
daily = 9
use_template = missing
colour = blue
what is this
pre_snapshot_script = /usr/local/bin/quiet
prune_defer = 60
monthly_warn = 40d
weekly = many
daily_hour = 25
[two words!]
daily = 1
[tank2]
path = tank
[other]
weekly = 2
weekly_wday = 3
`);
  expect(remarks).toMatchInlineSnapshot(`
    [
      "sanoid.conf:3: this line is not understood, or repeats a key of its section, and was left out",
      "sanoid.conf:6: this line is not understood, or repeats a key of its section, and was left out",
      "sanoid.conf:12: [two words!] is left out: two words! contains "!", which no dataset name can",
      "sanoid.conf:14: [tank2] is left out: another section is about tank, too",
      "sanoid.conf:5: colour is no setting of sanoid, and was left out",
      "sanoid.conf:4: there is no [template_missing]",
      "sanoid.conf:11: daily_hour = 25 is no number from 0 to 23: 23 is taken instead",
      "sanoid.conf:16: weekly of other is taken by "30 23 * * 3" there, and by "30 23 * * 1" here: a type has one schedule",
      "sanoid.conf:8: prune_defer = 60: sanoid destroys nothing while the pool is emptier; here nothing is destroyed at all, until \`keep\` has numbers",
      "sanoid.conf:7: pre_snapshot_script is not taken over: write it as \`hooks\`, if it has to run (its SANOID_* variables are not set)",
      "sanoid.conf:10: weekly = many is no number: all of them are kept",
      "sanoid.conf:9: monthly_warn and what else is for monitoring is not taken over: \`maxAge\` says when a newest copy is too old",
    ]
  `);
  expect(text).toMatchInlineSnapshot(`
    "# What tool.conf says, as holdfast import understands it: read it before it is used.
    # sanoid.conf:3: this line is not understood, or repeats a key of its section, and was left out
    # sanoid.conf:6: this line is not understood, or repeats a key of its section, and was left out
    # sanoid.conf:12: [two words!] is left out: two words! contains "!", which no dataset name can
    # sanoid.conf:14: [tank2] is left out: another section is about tank, too
    # sanoid.conf:5: colour is no setting of sanoid, and was left out
    # sanoid.conf:4: there is no [template_missing]
    # sanoid.conf:11: daily_hour = 25 is no number from 0 to 23: 23 is taken instead
    # sanoid.conf:9: monthly_warn and what else is for monitoring is not taken over: \`maxAge\` says when a newest
    #   copy is too old

    version: 1
    timezone: Europe/Berlin

    snapshotTypes:
      hourly: { schedule: "0 * * * *", adopt: [ "autosnap_*_hourly" ] }
      daily: { schedule: "59 23 * * *", adopt: [ "autosnap_*_daily" ] }
      weekly: { schedule: "30 23 * * 1", adopt: [ "autosnap_*_weekly" ] }
      monthly: { schedule: "0 0 1 * *", adopt: [ "autosnap_*_monthly" ] }

    datasets:
      # sanoid.conf:16: weekly of other is taken by "30 23 * * 3" there, and by "30 23 * * 1" here: a type has one
      #   schedule
      other:
        keep:
          hourly: { count: 48, within: 2d }
          daily: { count: 90, within: 90d }
          weekly: { count: 2, within: 14d }
          monthly: { count: 6, within: 186d }
      # sanoid.conf:8: prune_defer = 60: sanoid destroys nothing while the pool is emptier; here nothing is destroyed
      #   at all, until \`keep\` has numbers
      # sanoid.conf:7: pre_snapshot_script is not taken over: write it as \`hooks\`, if it has to run (its SANOID_*
      #   variables are not set)
      # sanoid.conf:10: weekly = many is no number: all of them are kept
      tank: { keep: { hourly: all, daily: all, weekly: all, monthly: all } }
    "
  `);
});

describe("with syncoid", () => {
  test("a second pool, whose copies sanoid prunes", () => {
    const { text } = sanoid(
      `[tank]\nuse_template = production\nrecursive = yes\n[backup/tank]\nuse_template = backup\nrecursive = yes\n${TEMPLATES}`,
      "15 * * * * root /usr/sbin/syncoid -r --no-sync-snap --sendoptions=w tank backup/tank >/dev/null 2>&1\n",
    );
    expect(text).toMatchInlineSnapshot(`
      "# What tool.conf says, as holdfast import understands it: read it before it is used.
      # sanoid.conf:28: hourly_warn and what else is for monitoring is not taken over: \`maxAge\` says when a newest
      #   copy is too old

      version: 1
      timezone: Europe/Berlin

      snapshotTypes:
        hourly: { schedule: "0 * * * *", adopt: [ "autosnap_*_hourly" ] }
        daily: { schedule: "59 23 * * *", adopt: [ "autosnap_*_daily" ] }
        weekly: { schedule: "30 23 * * 1", adopt: [ "autosnap_*_weekly" ] }
        monthly: { schedule: "0 0 1 * *", adopt: [ "autosnap_*_monthly" ] }

      remotes:
        backup: { type: zfs, root: backup }

      datasets:
        tank:
          recursive: true
          keep:
            hourly: { count: 36, within: 36h }
            daily: { count: 30, within: 30d }
            weekly: { count: 4, within: 28d }
            monthly: { count: 3, within: 93d }
          remotes:
            backup:
              keep:
                hourly: { count: 30, within: 30h }
                daily: { count: 90, within: 90d }
                weekly: { count: 4, within: 28d }
                monthly: { count: 12, within: 372d }
      "
    `);
  });

  test("another machine, at another place, with snapshots of its own", () => {
    const { text, remarks } = sanoid(
      `[tank/vm]\nuse_template = production\n[tank/vm/scratch]\nuse_template = ignore\n${TEMPLATES}`,
      `VAULT=backup@vault.example.net
30 2 * * * syncoid -r --sshkey /root/.ssh/id --sshport=2222 --compress=zstd-fast --source-bwlimit=10m --target-bwlimit=5m \\
  --exclude-datasets '^tank/vm/tmp' tank/vm $VAULT:pool/vms
`,
    );
    expect(text).toMatchInlineSnapshot(`
      "# What tool.conf says, as holdfast import understands it: read it before it is used.
      # sanoid.conf:31: monitor and what else is for monitoring is not taken over: \`maxAge\` says when a newest copy is
      #   too old

      version: 1
      timezone: Europe/Berlin

      snapshotTypes:
        hourly: { schedule: "0 * * * *", adopt: [ "autosnap_*_hourly" ] }
        daily: { schedule: "59 23 * * *", adopt: [ "autosnap_*_daily" ] }
        weekly: { schedule: "30 23 * * 1", adopt: [ "autosnap_*_weekly" ] }
        monthly: { schedule: "0 0 1 * *", adopt: [ "autosnap_*_monthly" ] }
        syncoid: { schedule: "30 2 * * *" }
        others: { adopt: [ "autosnap_*", "zfs-auto-snap*", "pyznap_*", "zrepl_*" ] }

      hosts:
        nas: {}
        vault:
          address: vault.example.net
          port: 2222
          user: backup
          identity: { file: /root/.ssh/id }
          knownHostsFile: ~/.ssh/known_hosts
          sudo: true

      remotes:
        # crontab:2: how many copies stay there is not said here, so all do: write \`keep\` in the place of \`deletions:
        #   never\`
        # crontab:2: without \`w\` in --sendoptions syncoid sends what is encrypted as plaintext, and so does \`raw:
        #   never\`: leave it out where no copy is there yet
        vault:
          type: zfs
          host: vault
          root: pool
          raw: never
          compress: zstd
          limit: { upload: 5MiB/s }
          deletions: never

      datasets:
        # crontab:2: --exclude-datasets=^tank/vm/tmp is not taken over: what it means is copied, too, until an entry for
        #   it says \`remotes: {}\`
        "nas:tank/vm":
          keep:
            hourly: { count: 36, within: 36h }
            daily: { count: 30, within: 30d }
            weekly: { count: 4, within: 28d }
            monthly: { count: 3, within: 93d }
            syncoid: 1
          remotes: { vault: { target: pool/vms } }
        "nas:tank/vm/*":
          recursive: true
          take: [ syncoid ]
          keep: { others: all, hourly: all, daily: all, weekly: all, monthly: all, syncoid: 1 }
      "
    `);
    expect(remarks).toMatchInlineSnapshot(`
      [
        "sanoid.conf:31: monitor and what else is for monitoring is not taken over: \`maxAge\` says when a newest copy is too old",
        "crontab:2: how many copies stay there is not said here, so all do: write \`keep\` in the place of \`deletions: never\`",
        "crontab:2: --exclude-datasets=^tank/vm/tmp is not taken over: what it means is copied, too, until an entry for it says \`remotes: {}\`",
        "crontab:2: without \`w\` in --sendoptions syncoid sends what is encrypted as plaintext, and so does \`raw: never\`: leave it out where no copy is there yet",
      ]
    `);
  });
});

test.each([
  ["an empty file", "", /^there is nothing to take over in sanoid\.conf$/],
  ["another format", '{"version": 1}', /^there is nothing/],
  ["only templates", TEMPLATES, /^there is nothing/],
])("%s is refused", (_, text, message) => {
  expect(() => sanoid(text)).toThrow(NothingToImport);
  expect(() => sanoid(text)).toThrow(message);
});
