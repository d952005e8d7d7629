import { specs } from "./histories.ts";
import { isStaleRatherThanHarmful, survivesFailures, survivesKill, worksInAnyOrder } from "./judges.ts";
import { property } from "./trial.ts";

property("what fails costs what depends on it, and the next pass makes up for it", 0.13, specs(), survivesFailures);
property("any order that respects the dependencies works", 0.1, specs(), worksInAnyOrder);
property("killed anywhere, nothing is lost and the next pass finishes", 0.13, specs(), survivesKill);
property("what others change meanwhile makes it stale, never harmful", 0.11, specs(), isStaleRatherThanHarmful);
