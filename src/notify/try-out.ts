import type { Manifest } from "../model/manifest.ts";
import type { NotifyTestResult } from "../model/notice.ts";
import type { EpochSeconds } from "../model/units.ts";
import { describeSecret } from "../transport/secret.ts";
import { deliver, type Means, secretOf } from "./deliver.ts";
import { testNotice } from "./notice.ts";

/** Sends a test message to each, once, and says how that went. Throws for an abort only. */
export function sendTests(
  { notifications, self }: Pick<Manifest, "notifications" | "self">,
  means: Means & { readonly now: EpochSeconds },
): Promise<NotifyTestResult[]> {
  const notice = testNotice(self, means.now);
  return Promise.all(
    notifications.map(async (one) => {
      const { arrived, answer } = await deliver(one, notice, means);
      return { type: one.type, secret: describeSecret(secretOf(one)), arrived, answer };
    }),
  );
}
