// Reads what node's --cpu-prof wrote: processor time by package of the code that ran.
import { readFileSync } from 'node:fs';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A part of the code and its share of the time the process was busy, 0 to 1. */
interface Share {
  readonly part: string;
  readonly share: number;
}

export interface ProfileSummary {
  /** The share of the time that the process waited. */
  readonly idle: number;
  readonly parts: readonly Share[];
  /** The functions that took most themselves. */
  readonly functions: readonly Share[];
}

const FUNCTIONS_MAX = 25;

/** Leaves out the first `skipMs`: loading and warming up. */
export function summarize(path: string, skipMs: number): ProfileSummary {
  const profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile;
  const parents = parentsOf(profile.nodes);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  let [elapsed, idle, busy] = [0, 0, 0];
  for (const [index, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[index] ?? 0;
    elapsed += us;
    if (elapsed < skipMs * 1000) continue;
    const node = nodes.get(id);
    if (!node) continue;
    if (node.callFrame.functionName === '(idle)') {
      idle += us;
      continue;
    }
    busy += us;
    const part = partOf(node, nodes, parents);
    parts.set(part, (parts.get(part) ?? 0) + us);
    const name = `${node.callFrame.functionName || 'anonymous'} (${part})`;
    functions.set(name, (functions.get(name) ?? 0) + us);
  }
  return {
    idle: idle / (idle + busy),
    parts: sharesOf(parts, busy),
    functions: sharesOf(functions, busy).slice(0, FUNCTIONS_MAX),
  };
}

function parentsOf(nodes: readonly ProfileNode[]): Map<number, number> {
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  return parents;
}

function sharesOf(times: ReadonlyMap<string, number>, busy: number): Share[] {
  return [...times].map(([part, us]) => ({ part, share: us / busy })).sort((a, b) => b.share - a.share);
}

/** What is written in C++ has no file: it counts for the code that called it. */
function partOf(
  node: ProfileNode,
  nodes: ReadonlyMap<number, ProfileNode>,
  parents: ReadonlyMap<number, number>,
): string {
  if (node.callFrame.functionName === '(garbage collector)') return 'garbage collection';
  for (let at: ProfileNode | undefined = node; at; at = nodes.get(parents.get(at.id) ?? -1)) {
    if (at.callFrame.url !== '') return partOfUrl(at.callFrame.url);
  }
  return 'node itself: event loop, sockets, startup of callbacks';
}

function partOfUrl(url: string): string {
  const packaged = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (packaged !== undefined) return packaged;
  const own = /\/dist\/([^/]+)/.exec(url)?.[1];
  if (own !== undefined) return `points-ledger ${own.replace(/\.js$/, '')}`;
  if (/^node:internal\/http2|^node:http2/.test(url)) return 'node http2';
  if (/^node:(internal\/streams|stream|net|internal\/stream_base)/.test(url)) return 'node sockets and streams';
  if (url.startsWith('node:')) return 'node: other (events, timers, buffers, promises)';
  return 'the benchmark';
}
