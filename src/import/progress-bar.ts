import type { WriteStream } from 'node:tty';

const WIDTH = 30;
const TERMINAL_MS = 100;
const LINE_MS = 5_000;

/** Shows how far a long job is: redrawn in place on a terminal, a line now and then elsewhere. */
interface ProgressBar {
  /** `done` of the whole, 0 to 1; `rows` so far; `notes` to show beside it. */
  show(done: number, rows: number, notes: string): void;
  /** Shows the last state, and ends the line. */
  end(): void;
}

/** A bar on `output` whose rate and time left count from now. */
export function createProgressBar(output: WriteStream): ProgressBar {
  const beganAt = Date.now();
  let shownAt = 0;
  let begun: { done: number; rows: number } | null = null;
  let latest = '';

  function line(done: number, rows: number, notes: string): string {
    begun ??= { done, rows };
    const seconds = (Date.now() - beganAt) / 1000;
    const filled = Math.round(done * WIDTH);
    const bar = `${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}`;
    const rate = Math.round((rows - begun.rows) / Math.max(seconds, 0.001));
    const progressed = done - begun.done;
    const left = progressed > 0 ? `${Math.ceil(((1 - done) / progressed) * seconds)} s left` : '';
    return `[${bar}] ${(done * 100).toFixed(1)} %  ${rows} rows  ${rate}/s  ${left}  ${notes}`;
  }

  return {
    show(done, rows, notes) {
      latest = line(Math.min(done, 1), rows, notes);
      if (Date.now() - shownAt < (output.isTTY ? TERMINAL_MS : LINE_MS)) return;
      shownAt = Date.now();
      output.write(output.isTTY ? `\r${latest}\u001b[K` : `${latest}\n`);
    },
    end() {
      if (latest !== '') output.write(output.isTTY ? `\r${latest}\u001b[K\n` : `${latest}\n`);
    },
  };
}
