// A lock that processes take on a folder: whoever starts or stops the database holds it.
//
// The lock is the entry with the highest number among lock.1, lock.2, ... Each is a symbolic link
// whose target names the holder, because a link is made exclusively and with its content in one
// step. To take the lock is to make the next number once the holder of the highest has let go or
// has died. So a dead holder's entry is never removed to make room, which is where lock files
// usually go wrong: two processes find the same stale file, and the slower one removes the lock
// that the quicker one has just taken.
import { readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, ownIdentity } from './process-identity.ts';

const FREE = 'free';

/** Waits for the lock on `folder`; `onWait` is called when that takes long. Returns what lets go of it. */
export async function lockFolder(folder: string, onWait: () => void): Promise<() => void> {
  const patience = Date.now() + 1000;
  let told = false;
  for (;;) {
    const release = tryLock(folder);
    if (release !== undefined) return release;
    if (!told && Date.now() > patience) {
      told = true;
      onWait();
    }
    await sleep(25);
  }
}

function tryLock(folder: string): (() => void) | undefined {
  const last = highest(folder);
  if (last > 0 && isHeld(join(folder, `lock.${last}`))) return undefined;
  const mine = join(folder, `lock.${last + 1}`);
  if (!link(JSON.stringify(ownIdentity()), mine)) return undefined;
  // Someone was quicker by more than one step: the number just made is one that was already used and tidied away.
  if (highest(folder) !== last + 1) {
    rmSync(mine, { force: true });
    return undefined;
  }
  for (const number of numbers(folder)) if (number <= last) rmSync(join(folder, `lock.${number}`), { force: true });
  return () => {
    // The number stays, marked as free: were it removed, a slow process could take it again.
    const draft = `${mine}.free`;
    rmSync(draft, { force: true });
    symlinkSync(FREE, draft);
    renameSync(draft, mine);
  };
}

function numbers(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => {
    const match = /^lock\.(\d+)$/.exec(name);
    return match ? [Number(match[1])] : [];
  });
}

function highest(folder: string): number {
  return Math.max(0, ...numbers(folder));
}

function isHeld(path: string): boolean {
  let holder: string;
  try {
    holder = readlinkSync(path);
  } catch (error) {
    // Gone: a newer number took its place. Anything else that is there was not made by this lock.
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  if (holder === FREE) return false;
  try {
    return isAlive(JSON.parse(holder));
  } catch {
    return false;
  }
}

function link(target: string, path: string): boolean {
  try {
    symlinkSync(target, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
