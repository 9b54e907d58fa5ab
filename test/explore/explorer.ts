import { type Action, actionsOf } from './steps.js';
import type { Scripts } from './scripts.js';
import { copyOf, faultOf, nameOf, runningTwice, type World } from './world.js';

/** What an exploration found. */
export interface Exploration {
  /** Different worlds that were reached. */
  states: number;
  /** Ways from the beginning to an end, each an order in which everything may happen. */
  interleavings: bigint;
  /** The first fault, and what led to it; null: there is none. */
  fault: { what: string; path: string[] } | null;
  /** Whether it stopped at the limit of states. */
  cut: boolean;
}

interface Node {
  world: World;
  /** What led to it first. */
  from: Node | null;
  by: string;
  /** Where each thing that can happen next leads. */
  next: Node[];
}

/** Calls that go to Redis in one round trip. */
const AT_ONCE = 200;

/**
 * Goes through everything that can happen from a world on, in every order; worlds that are the same are looked at
 * once. Stops at the first fault, or at the limit of states.
 */
export async function explore(
  start: World,
  scripts: Scripts,
  limit = Number.POSITIVE_INFINITY,
): Promise<Exploration> {
  const root: Node = { world: start, from: null, by: '', next: [] };
  const known = new Map<string, Node>([[nameOf(start), root]]);
  const open: Node[] = [root];
  while (open.length > 0) {
    const batch = open.splice(0, AT_ONCE);
    const moves = batch.flatMap((node) => actionsOf(node.world).map((action) => ({ node, action })));
    const worlds = await happen(moves, scripts);
    for (const [index, { node, action }] of moves.entries()) {
      const world = worlds[index] as World;
      const name = nameOf(world);
      const met = known.get(name);
      const next = met ?? { world, from: node, by: action.name, next: [] };
      node.next.push(next);
      if (met) continue;
      const what = faultOf(world, actionsOf(world).length === 0) ?? runningTwice(world);
      if (what !== null)
        return { states: known.size, interleavings: 0n, fault: { what, path: pathTo(next) }, cut: false };
      known.set(name, next);
      open.push(next);
    }
    if (known.size > limit)
      return { states: known.size, interleavings: countWays(root), fault: null, cut: true };
  }
  return { states: known.size, interleavings: countWays(root), fault: null, cut: false };
}

async function happen(moves: readonly { node: Node; action: Action }[], scripts: Scripts): Promise<World[]> {
  const calls = moves.flatMap(({ node, action }) =>
    action.call ? [{ store: node.world.store, call: action.call }] : [],
  );
  const answers = calls.length === 0 ? [] : await scripts.run(calls);
  return moves.map(({ node, action }) => {
    const answer = action.call ? answers.shift() : undefined;
    const world = copyOf(node.world);
    if (answer) world.store = answer.store;
    action.apply(world, answer?.reply);
    // A worker that looks at a job that was put back sees the same until one of these changes.
    if (seenOf(world) !== seenOf(node.world)) for (const job of world.jobs) job.parked = false;
    return world;
  });
}

const seenOf = ({ store, dead }: World): string => JSON.stringify([store, dead]);

function pathTo(node: Node): string[] {
  const path: string[] = [];
  for (let at: Node | null = node; at?.from; at = at.from) path.unshift(at.by);
  return path;
}

/** How many ways lead from a node to an end. Without recursion: ways are longer than the stack is deep. */
function countWays(root: Node): bigint {
  const ways = new Map<Node, bigint>();
  const entered = new Set<Node>();
  const stack = [root];
  while (stack.length > 0) {
    const node = stack.at(-1) as Node;
    if (!entered.has(node)) {
      entered.add(node);
      // One that is entered already and not counted leads back here: going round is no way of its own.
      for (const next of node.next) if (!entered.has(next)) stack.push(next);
      continue;
    }
    stack.pop();
    if (ways.has(node)) continue;
    const sum = node.next.reduce((total, next) => total + (ways.get(next) ?? 0n), 0n);
    ways.set(node, node.next.length === 0 ? 1n : sum);
  }
  return ways.get(root) ?? 0n;
}
