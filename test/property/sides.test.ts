import { specs } from "./histories.ts";
import { fillsQuotas, respectsGuards } from "./judges.ts";
import { property } from "./trial.ts";

property("each side ends with what its keep asks for, and nothing more without a reason", 0.2, specs(), fillsQuotas);
property("too many deletions, and all at first contact, are held back", 0.06, specs(), respectsGuards);
