import { setMaxListeners } from 'node:events';

/** Calls back when the signal is aborted; returns the function that takes this back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  // One signal may stand for any number of calls; from the eleventh on Node would warn of a leak.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}
