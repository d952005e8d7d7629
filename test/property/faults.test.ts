import { specs } from "./histories.ts";
import { survivesFailures, survivesKill, worksInAnyOrder } from "./judges.ts";
import { property } from "./trial.ts";

property(
  "what fails costs no more than what depends on it, and the next pass makes up for it",
  0.15,
  specs(),
  survivesFailures,
);
property("any order that respects the dependencies works", 0.1, specs(), worksInAnyOrder);
property("killed anywhere, nothing is lost and the next pass finishes", 0.15, specs(), survivesKill);
