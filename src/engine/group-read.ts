/**
 * Reads by key, many in one statement: the keys asked for while one read is under way go together in the next. No
 * timer, as for the group commit: a lone read goes at once. Each read begins after it was asked for, so that a client
 * reads what it wrote.
 *
 * @param read the values of some keys; keys without a value may be missing
 * @param keysMax the most keys in one read
 */
export function createGroupRead<Value>(
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  keysMax: number,
): (key: string) => Promise<Value | undefined> {
  const waiting: { key: string; resolve(value: Value | undefined): void; reject(error: unknown): void }[] = [];
  let reading = false;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting.splice(0, keysMax);
      try {
        const values = await read([...new Set(group.map(({ key }) => key))]);
        for (const { key, resolve } of group) resolve(values.get(key));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    reading = false;
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (reading) return;
      reading = true;
      setImmediate(run);
    });
}
