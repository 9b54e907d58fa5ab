/** What --cpu-prof writes. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  timeDeltas: number[];
}

const SHOWN = 40;

/** Two lists: where time was spent, by function without what it called, and by function with it. */
export function topOf(profile: CpuProfile): string {
  const selfMs = new Map<number, number>();
  for (const [index, id] of profile.samples.entries())
    selfMs.set(id, (selfMs.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1000);
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const own = new Map<string, number>();
  const whole = new Map<string, number>();

  const visit = (id: number, above: ReadonlySet<string>): number => {
    const node = byId.get(id);
    if (!node) return 0;
    const name = nameOf(node.callFrame);
    const inside = new Set(above).add(name);
    const self = selfMs.get(id) ?? 0;
    const total = (node.children ?? []).reduce((sum, child) => sum + visit(child, inside), self);
    own.set(name, (own.get(name) ?? 0) + self);
    // A function that calls itself is counted once.
    if (!above.has(name)) whole.set(name, (whole.get(name) ?? 0) + total);
    return total;
  };
  const root = profile.nodes[0];
  const total = root ? visit(root.id, new Set()) : 0;
  return `own time\n${list(own, total)}\nwith what was called\n${list(whole, total)}`;
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const place = url.replace(/^.*\/(node_modules|dist|src)\//, '$1/');
  return `${functionName || '(anonymous)'} ${place}${url ? `:${lineNumber + 1}` : ''}`;
}

function list(times: ReadonlyMap<string, number>, total: number): string {
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(
      ([name, ms]) =>
        `${((ms / total) * 100).toFixed(1).padStart(6)} %  ${ms.toFixed(0).padStart(7)} ms  ${name}`,
    )
    .join('\n');
}
