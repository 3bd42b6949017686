/** Tells how far the benchmark is and how long it will take. */
interface Progress {
  /** A case begins. */
  begin(name: string): void;
  /** What is being done, and the share of the case that is done. */
  note(text: string, share: number): void;
  /** The case is over; `line` stays to be read. */
  end(line: string): void;
}

/** `seconds`: what each case is expected to take. What they really take corrects the estimate. */
export function createProgress(seconds: ReadonlyMap<string, number>): Progress {
  const total = [...seconds.values()].reduce((sum, value) => sum + value, 0);
  const began = Date.now();
  let done = 0;
  let current = '';

  function left(share: number): string {
    const expected = done + (seconds.get(current) ?? 0) * share;
    const elapsed = (Date.now() - began) / 1000;
    // Early on the estimate counts more than the little that has been seen.
    const pace = (elapsed + 10) / (expected + 10);
    const rest = Math.max(0, total - expected) * pace;
    return rest >= 90 ? `${Math.round(rest / 60)} min left` : `${Math.ceil(rest / 5) * 5} s left`;
  }

  function show(text: string, share: number): void {
    if (!process.stderr.isTTY) return;
    const expected = done + (seconds.get(current) ?? 0) * share;
    const width = Math.round((24 * expected) / total);
    const bar = '█'.repeat(width) + '░'.repeat(Math.max(0, 24 - width));
    const line = `${bar} ${current}: ${text}, about ${left(share)}`;
    process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 100) - 1)}`);
  }

  return {
    begin(name) {
      current = name;
      if (!process.stderr.isTTY) console.error(`${name} … about ${left(0)}`);
      show('preparing', 0);
    },
    note: show,
    end(line) {
      done += seconds.get(current) ?? 0;
      if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
      console.error(line);
    },
  };
}
