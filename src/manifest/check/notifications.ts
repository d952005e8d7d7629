import { type Heartbeat, type Manifest, type Notification, receiverOf } from "../../model/manifest.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import { dotted } from "../words.ts";

type PathOf = (one: Notification | Heartbeat) => Path;

export function notificationProblems({ notifications, heartbeats }: Manifest, pathOf: PathOf): Problem[] {
  return [
    ...twice(notifications, pathOf),
    ...twice(heartbeats, pathOf),
    ...notifications.flatMap((notification) => onlyRecovered(notification, pathOf)),
  ];
}

/** Each would be told everything twice. */
function twice(all: readonly (Notification | Heartbeat)[], pathOf: PathOf): Problem[] {
  const known = new Map<string, Notification | Heartbeat>();
  return all.flatMap((one): Problem[] => {
    const id = receiverOf(one);
    const other = known.get(id);
    if (other === undefined) {
      known.set(id, one);
      return [];
    }
    return [
      {
        code: "duplicate-item",
        message: `${dotted(pathOf(one))} goes where ${dotted(pathOf(other))} goes`,
        hint: "leave one of them out; `events` takes several",
        path: pathOf(one),
        related: [{ path: pathOf(other), message: "the other one" }],
      },
    ];
  });
}

/** Only what was told can be told to be over. */
function onlyRecovered(notification: Notification, pathOf: PathOf): Problem[] {
  if (notification.events.some((event) => event !== "recovered")) return [];
  const path = [...pathOf(notification), "events"];
  const message = `${dotted(path)} would never be sent: only what was told before is told to be over`;
  return [{ code: "conflicting-keys", message, hint: "add failed, blocked or overdue", path }];
}
