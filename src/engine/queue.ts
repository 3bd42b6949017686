/** Things that wait, by account: those of one account in their order of arrival, and only one holder of it at a time. */
interface Queue<Item extends { readonly account: string }> {
  /** How many wait. */
  readonly size: number;
  /** Whether `take` would return anything. */
  readonly ready: boolean;
  push(item: Item): void;
  /** Takes up to `max` of what waits and holds their accounts until `release`. */
  take(max: number): Item[];
  /** Lets go of the accounts of what was taken. */
  release(taken: readonly Item[]): void;
  /** Takes out what need not wait any longer. */
  drop(isUnwanted: (item: Item) => boolean): void;
}

interface Lane<Item> {
  readonly account: string;
  readonly waiting: Item[];
  held: boolean;
}

/**
 * A queue with a lane per account. Accounts take turns, so that one hot account fills a group only when no other waits.
 */
export function createQueue<Item extends { readonly account: string }>(): Queue<Item> {
  const lanes = new Map<string, Lane<Item>>();
  const turns = new Set<Lane<Item>>();
  let size = 0;

  function laneOf(account: string): Lane<Item> {
    const known = lanes.get(account);
    if (known) return known;
    const lane = { account, waiting: [], held: false };
    lanes.set(account, lane);
    return lane;
  }

  return {
    get size() {
      return size;
    },
    get ready() {
      return turns.size > 0;
    },
    push(item) {
      const lane = laneOf(item.account);
      lane.waiting.push(item);
      size += 1;
      if (!lane.held) turns.add(lane);
    },
    take(max) {
      const taken: Item[] = [];
      for (const lane of turns) {
        if (taken.length === max) break;
        turns.delete(lane);
        lane.held = true;
        taken.push(...lane.waiting.splice(0, max - taken.length));
      }
      size -= taken.length;
      return taken;
    },
    release(taken) {
      for (const { account } of taken) {
        const lane = lanes.get(account);
        if (!lane?.held) continue;
        lane.held = false;
        if (lane.waiting.length > 0) turns.add(lane);
        else lanes.delete(account);
      }
    },
    drop(isUnwanted) {
      for (const lane of lanes.values()) {
        const wanted = lane.waiting.filter((item) => !isUnwanted(item));
        size -= lane.waiting.length - wanted.length;
        lane.waiting.splice(0, lane.waiting.length, ...wanted);
        if (wanted.length > 0 || lane.held) continue;
        turns.delete(lane);
        lanes.delete(lane.account);
      }
    },
  };
}
