import { specs } from "./histories.ts";
import { convergesAsTimePasses, convergesAtOnce, isDeterministic, resolvesAlike } from "./judges.ts";
import { property } from "./trial.ts";

property(
  "a plan is total, the same for the same input, and changes nothing it was given",
  0.07,
  specs(),
  isDeterministic,
);
property("sources and copies are those that the manifest means", 0.04, specs(), resolvesAlike);
property("every operation works in the plan's order, and then nothing is left to do", 0.1, specs(), convergesAtOnce);
property("so it is in the next three passes, while the clock goes on", 0.06, specs(), convergesAsTimePasses);
