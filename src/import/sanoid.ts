import type { KeepRule } from "../manifest/generated/types.ts";
import { datasetFault } from "../manifest/names.ts";
import { scheduleFault } from "../manifest/units.ts";
import type { Remark } from "../model/import.ts";
import { readIni, type Section, type Setting } from "./ini.ts";
import { written } from "./places.ts";

/** What sanoid does with a dataset; types that it neither takes nor keeps are absent. */
export interface Policy {
  readonly keep: Readonly<Record<string, KeepRule>>;
  readonly take: readonly string[];
}

export interface SanoidConfig {
  /** Datasets that sections name, in their order. */
  readonly datasets: readonly string[];
  /** Undefined: sanoid leaves it alone. */
  readonly policyOf: (dataset: string) => Policy | undefined;
  /** Of what lies below it, and has no section of its own. */
  readonly policyBelow: (dataset: string) => Policy | undefined;
  /** Of each type, in the order in which they are usually written. */
  readonly schedules: ReadonlyMap<string, string>;
  readonly remarks: readonly Remark[];
}

/** What holds where nothing else is said, as of sanoid 2.3. */
const DEFAULTS: Readonly<Record<string, string>> = {
  frequent_period: "15",
  autoprune: "yes",
  frequently: "0",
  hourly: "48",
  daily: "90",
  weekly: "0",
  monthly: "6",
  yearly: "0",
  prune_defer: "0",
  autosnap: "1",
  hourly_min: "0",
  daily_hour: "23",
  daily_min: "59",
  weekly_wday: "1",
  weekly_hour: "23",
  weekly_min: "30",
  monthly_mday: "1",
  monthly_hour: "0",
  monthly_min: "0",
  yearly_mon: "1",
  yearly_mday: "1",
  yearly_hour: "0",
  yearly_min: "0",
};
const PLACING = ["path", "recursive", "use_template", "process_children_only", "skip_children"];
const SCRIPTS = ["pre_snapshot_script", "post_snapshot_script", "pre_pruning_script", "pruning_script"];
/** Mean something only together with a script. */
const OF_SCRIPTS = ["script_timeout", "no_inconsistent_snapshot", "force_post_snapshot_script"];
const MONITORING =
  /^(?:monitor(?:_dont_(?:warn|crit))?|(?:(?:frequent|hour|dai|week|month|year)ly|capacity)_(?:warn|crit))$/;

const HOUR = 3600;
const DAY = 24 * HOUR;
/** How long sanoid takes each to be, in seconds. */
const PERIODS: Readonly<Record<string, number>> = {
  hourly: HOUR,
  daily: DAY,
  weekly: 7 * DAY,
  monthly: 31 * DAY,
  yearly: 365.25 * DAY,
};
const TYPES = ["frequently", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
/** More is all. */
const MOST = 100_000;

type Settings = ReadonlyMap<string, Setting>;
/** What is in force for one dataset at one moment of reading. */
interface State {
  readonly settings: Settings;
  /** Below `recursive = zfs`: what is taken there is taken here. */
  readonly takenAbove?: readonly string[];
}

export function readSanoid(file: string, text: string): SanoidConfig {
  const { sections, strange } = readIni(text);
  const remarks: Remark[] = strange.map((line) => ({
    file,
    line,
    message: "this line is not understood, or repeats a key of its section, and was left out",
  }));
  return new Reader(file, sections, remarks).config();
}

class Reader {
  readonly #file: string;
  readonly #sections: readonly Section[];
  readonly #templates: ReadonlyMap<string, Section>;
  readonly #remarks: Remark[];
  #period = 15;

  constructor(file: string, sections: readonly Section[], remarks: Remark[]) {
    this.#file = file;
    this.#remarks = remarks;
    this.#templates = new Map(sections.filter(isTemplate).map((section) => [section.name, section]));
    this.#sections = sections.filter((section) => {
      if (isTemplate(section)) return false;
      const dataset = datasetOf(section);
      const fault = datasetFault(dataset);
      const first = sections.find((other) => !isTemplate(other) && datasetOf(other) === dataset);
      if (fault !== undefined) this.#remark(section.line, `[${section.name}] is left out: ${dataset} ${fault}`);
      else if (first !== section)
        this.#remark(section.line, `[${section.name}] is left out: another section is about ${dataset}, too`);
      return fault === undefined && first === section;
    });
  }

  config(): SanoidConfig {
    this.#checkKeys();
    const datasets = this.#sections.map(datasetOf);
    const own = new Map(datasets.map((dataset) => [dataset, this.#stateOf(dataset)]));
    const periods = [...own.values()].flatMap((state) =>
      state && this.#takes(state).includes("frequently") ? this.#number(state.settings, "frequent_period", 1, 60) : [],
    );
    this.#period = Math.min(...(periods.length > 0 ? periods : [15]));
    const schedules = this.#schedules(datasets, own);
    for (const dataset of datasets) this.#remarkOn(dataset, own.get(dataset));
    return {
      datasets,
      schedules,
      remarks: this.#remarks,
      policyOf: (dataset) => this.#policy(own.has(dataset) ? own.get(dataset) : this.#stateOf(dataset)),
      policyBelow: (dataset) => this.#policy(this.#stateOf(`${dataset}/?`)),
    };
  }

  #remark(line: number, message: string, dataset?: string): void {
    this.#remarks.push({
      file: this.#file,
      line,
      message,
      ...(dataset !== undefined && { at: ["datasets", dataset] }),
    });
  }

  /** Sections are read in their order: a recursive one overwrites what is below it, be it from an earlier section. */
  #stateOf(dataset: string, until = this.#sections.length): State | undefined {
    let state: State | undefined;
    for (const [index, section] of this.#sections.slice(0, until).entries()) {
      const named = datasetOf(section);
      if (named === dataset) state = this.#own(section, state);
      else if (dataset.startsWith(`${named}/`)) {
        const kind = recursionOf(section);
        if (kind === "no") continue;
        if (kind === "skip") {
          state = undefined;
          continue;
        }
        const above = this.#stateOf(named, index + 1);
        if (!above) continue;
        const mine = [...(state?.settings ?? [])].filter(([key]) => key === "process_children_only");
        const inherited = [...above.settings].filter(([key]) => key !== "process_children_only");
        state = {
          settings: new Map([...inherited, ...mine]),
          ...(kind === "zfs" && { takenAbove: this.#takes(above) }),
          ...(kind === "yes" && above.takenAbove && { takenAbove: above.takenAbove }),
        };
      }
    }
    return state;
  }

  #own(section: Section, before: State | undefined): State {
    const local = ({ key }: Setting): boolean => !/template|recursive|skip_children/.test(key);
    const named = section.settings.find(({ key }) => key === "use_template")?.value ?? "";
    const templates = named
      .split(",")
      .map((name) => name.trim())
      .flatMap((name) => this.#templates.get(`template_${name}`)?.settings ?? []);
    const own = [...templates.filter(({ key }) => !/template|recursive/.test(key)), ...section.settings.filter(local)];
    const start = before?.settings ?? this.#defaults();
    return {
      settings: new Map([...start, ...own.map((setting) => [setting.key, setting] as const)]),
      ...(before?.takenAbove && { takenAbove: before.takenAbove }),
    };
  }

  #defaults(): Settings {
    const preset = Object.entries(DEFAULTS).map(([key, value]): Setting => ({ key, value, line: 0 }));
    const users = this.#templates.get("template_default")?.settings ?? [];
    return new Map([...preset, ...users].map((setting) => [setting.key, setting]));
  }

  #takes({ settings, takenAbove }: State): string[] {
    if (takenAbove) return [...takenAbove];
    if (!isOn(settings, "autosnap") || isOn(settings, "process_children_only")) return [];
    return TYPES.filter((type) => countOf(settings, type) !== 0);
  }

  #policy(state: State | undefined): Policy | undefined {
    if (!state) return undefined;
    const { settings } = state;
    if (isOn(settings, "process_children_only") && !state.takenAbove) return undefined;
    const take = this.#takes(state);
    const prunes = isOn(settings, "autoprune") && !isOn(settings, "process_children_only");
    if (take.length === 0 && !prunes) return undefined;
    const isDeferred = (settings.get("prune_defer")?.value ?? "0") !== "0";
    const keep = TYPES.flatMap((type): [string, KeepRule][] => {
      const count = countOf(settings, type);
      if (count === 0 && !take.includes(type)) return [];
      if (!prunes || isDeferred || Number.isNaN(count) || count > MOST) return [[type, "all"]];
      return [[type, this.#rule(settings, type, count)]];
    });
    return keep.length === 0 ? undefined : { keep: Object.fromEntries(keep), take };
  }

  /** sanoid destroys what is both beyond the count and older than so many periods. */
  #rule(settings: Settings, type: string, count: number): KeepRule {
    // taken with the dataset above, and destroyed at once
    if (count === 0) return 1;
    if (type !== "frequently") return { count, within: written(count * (PERIODS[type] ?? 0)) };
    const minutes = Number(settings.get("frequent_period")?.value) || 15;
    return { count: Math.ceil((count * minutes) / this.#period), within: written(count * minutes * 60) };
  }

  #number(settings: Settings, key: string, least: number, most: number): number {
    const { value = "", line = 0 } = settings.get(key) ?? {};
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    this.#once(line, `${key} = ${value} is no number from ${least} to ${most}: ${DEFAULTS[key]} is taken instead`);
    return Number(DEFAULTS[key]);
  }

  #once(line: number, message: string, dataset?: string): void {
    if (!this.#remarks.some((remark) => remark.line === line && remark.message === message))
      this.#remark(line, message, dataset);
  }

  #schedules(datasets: readonly string[], own: ReadonlyMap<string, State | undefined>): Map<string, string> {
    const schedules = new Map<string, string>();
    for (const type of TYPES)
      for (const dataset of datasets) {
        const state = own.get(dataset);
        if (!state || (!this.#takes(state).includes(type) && countOf(state.settings, type) === 0)) continue;
        const schedule = this.#schedule(type, state.settings);
        const other = schedules.get(type);
        if (other === undefined) schedules.set(type, schedule);
        else if (other !== schedule && this.#takes(state).includes(type)) {
          const line = this.#sections.find((section) => datasetOf(section) === dataset)?.line ?? 0;
          const message = `${type} of ${dataset} is taken by "${schedule}" there, and by "${other}" here: a type has one schedule`;
          this.#once(line, message, dataset);
        }
      }
    return schedules;
  }

  #schedule(type: (typeof TYPES)[number], settings: Settings): string {
    const number = (key: string, most: number, least = 0) => this.#number(settings, key, least, most);
    const time = () => `${number(`${type}_min`, 59)} ${number(`${type}_hour`, 23)}`;
    const schedule = {
      frequently: () => (this.#period < 60 ? `*/${this.#period} * * * *` : "0 * * * *"),
      hourly: () => `${number("hourly_min", 59)} * * * *`,
      daily: () => `${time()} * * *`,
      weekly: () => `${time()} * * ${number("weekly_wday", 7)}`,
      monthly: () => `${time()} ${number("monthly_mday", 31, 1)} * *`,
      yearly: () => `${time()} ${number("yearly_mday", 31, 1)} ${number("yearly_mon", 12, 1)} *`,
    }[type]();
    if (scheduleFault(schedule) === undefined) return schedule;
    this.#once(settings.get(`${type}_mday`)?.line ?? 0, `${type} would never be taken: 1 January is taken instead`);
    return "0 0 1 1 *";
  }

  #checkKeys(): void {
    for (const section of [...this.#templates.values(), ...this.#sections])
      for (const { key, line } of section.settings) {
        const isKnown =
          key in DEFAULTS || [...PLACING, ...SCRIPTS, ...OF_SCRIPTS].includes(key) || MONITORING.test(key);
        if (!isKnown) this.#remark(line, `${key} is no setting of sanoid, and was left out`);
        if (isTemplate(section) && /template|recursive/.test(key))
          this.#remark(line, `${key} means nothing in a template, not to sanoid either`);
      }
    for (const { settings } of this.#sections)
      for (const { key, value, line } of settings)
        if (key === "use_template")
          for (const name of value.split(",").map((one) => one.trim()))
            if (name !== "" && !this.#templates.has(`template_${name}`))
              this.#remark(line, `there is no [template_${name}]`);
  }

  /** What its settings say that the manifest does not, or not so. */
  #remarkOn(dataset: string, state: State | undefined): void {
    if (!state) return;
    const { settings } = state;
    const said = (key: string): Setting | undefined => {
      const setting = settings.get(key);
      return setting && setting.line > 0 && setting.value !== "" ? setting : undefined;
    };
    const defer = said("prune_defer");
    if (defer && defer.value !== "0" && isOn(settings, "autoprune"))
      this.#once(
        defer.line,
        `prune_defer = ${defer.value}: sanoid destroys nothing while the pool is emptier; here nothing is destroyed at all, until \`keep\` has numbers`,
        dataset,
      );
    for (const script of SCRIPTS) {
      const setting = said(script);
      if (setting)
        this.#once(
          setting.line,
          `${script} is not taken over: write it as \`hooks\`, if it has to run (its SANOID_* variables are not set)`,
          dataset,
        );
    }
    for (const type of TYPES) {
      const count = countOf(settings, type);
      const setting = said(type);
      if (setting && Number.isNaN(count))
        this.#once(setting.line, `${type} = ${setting.value} is no number: all of them are kept`, dataset);
    }
    for (const key of ["autosnap", "autoprune", "process_children_only"]) {
      const setting = said(key);
      if (setting && !ON.includes(setting.value) && !OFF.includes(setting.value))
        this.#once(setting.line, `${key} = ${setting.value} is neither yes nor no, and counts as yes`, dataset);
    }
    const watched = [...settings.values()].find(({ key, line }) => line > 0 && MONITORING.test(key));
    if (watched)
      this.#once(
        watched.line,
        `${watched.key} and what else is for monitoring is not taken over: \`maxAge\` says when a newest copy is too old`,
      );
  }
}

const isTemplate = ({ name }: Section): boolean => name.startsWith("template_");
const datasetOf = ({ name, settings }: Section): string => settings.find(({ key }) => key === "path")?.value || name;

const ON: readonly string[] = ["1", "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"];
const OFF: readonly string[] = ["", "0", "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"];
/** As in Perl, what is neither is true. */
const isOn = (settings: Settings, key: string): boolean => !OFF.includes(settings.get(key)?.value ?? "");

/** NaN for what is no number. */
function countOf(settings: Settings, type: string): number {
  const value = settings.get(type)?.value ?? "0";
  return value === "" ? 0 : /^\d+$/.test(value) ? Number(value) : Number.NaN;
}

function recursionOf({ settings }: Section): "no" | "yes" | "zfs" | "skip" {
  const value = (key: string): string => settings.find((setting) => setting.key === key)?.value ?? "";
  if (/zfs/i.test(value("recursive"))) return "zfs";
  if (ON.includes(value("skip_children"))) return "skip";
  return ON.includes(value("recursive")) ? "yes" : "no";
}
