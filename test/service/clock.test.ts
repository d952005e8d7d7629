import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/service/clock.ts";

const DAY = 86_400_000;

describe("a sleep", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([1, 24, 25, 28, 366])("of %i days lasts as long", async (days) => {
    const awake = vi.fn();
    void systemClock.sleep(days * DAY, new AbortController().signal).then(awake);
    await vi.advanceTimersByTimeAsync(days * DAY - 1);
    expect(awake).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(awake).toHaveBeenCalledOnce();
  });

  test("ends when it is told to", async () => {
    const stop = new AbortController();
    const slept = systemClock.sleep(100 * DAY, stop.signal);
    await vi.advanceTimersByTimeAsync(30 * DAY);
    stop.abort();
    await slept;
    expect(vi.getTimerCount()).toBe(0);
    await systemClock.sleep(DAY, stop.signal);
  });
});
