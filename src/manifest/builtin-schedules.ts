/** There without being declared; declaring one replaces only the keys it names. */
export const builtinSchedules: ReadonlyMap<string, string> = new Map([
  ["hourly", "0 * * * *"],
  ["daily", "0 0 * * *"],
  ["weekly", "0 0 * * 1"],
  ["monthly", "0 0 1 * *"],
  ["yearly", "0 0 1 1 *"],
]);
