// Looks after something that may break and can be repaired: at once the first time, with growing
// pauses when it keeps breaking.

type Watched = {
  log: (line: string) => void;
  /** What is wrong, in words; undefined when all is well. */
  trouble: () => string | undefined;
  repair: () => Promise<void>;
};

const INTERVAL_MS = 250;
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 30_000;
/** What has held for so long counts as repaired. */
const STABLE_MS = 60_000;

/** Returns what ends the watch, after a repair that is under way. */
export function watch({ log, trouble, repair }: Watched): () => Promise<void> {
  let attempts = 0;
  let lastAttempt = 0;
  let repairing: Promise<void> | undefined;

  const pause = () => (attempts === 0 ? 0 : Math.min(PAUSE_MS_MIN * 2 ** (attempts - 1), PAUSE_MS_MAX));
  const look = async () => {
    const words = trouble();
    const now = Date.now();
    if (words === undefined || now < lastAttempt + pause()) return;
    if (now > lastAttempt + STABLE_MS) attempts = 0;
    attempts += 1;
    log(words);
    await repair().catch((error: Error) => log(error.message));
    lastAttempt = Date.now();
  };
  const timer = setInterval(() => {
    if (repairing !== undefined) return;
    repairing = look().finally(() => {
      repairing = undefined;
    });
  }, INTERVAL_MS);
  // The watch alone is no reason for the process to go on.
  timer.unref();

  return async () => {
    clearInterval(timer);
    await repairing;
  };
}
