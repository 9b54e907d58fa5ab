import { readFileSync } from 'node:fs';
import type { SeenRun, SeenUse } from './seen.js';

const SEEN = new URL('./seen.json', import.meta.url);

/** The part of docs/compatibility.md about packages: what the last `npm run compat` has seen. Markdown. */
export function packagesPart(run = JSON.parse(readFileSync(SEEN, 'utf8')) as SeenRun): string {
  const worked = run.uses.filter(({ works }) => works).length;
  const part = (native: boolean): string =>
    run.uses
      .filter((one) => one.native === native && one.works)
      .map(({ name, version }) => `${name} ${version}`)
      .join(', ');
  const failing = run.uses.filter(({ works }) => !works);
  return `## Packages

Seen by \`npm run compat\` on ${run.on} with Node ${run.node}: ${worked} of ${run.uses.length} do what is asked of them, at the default isolation and without network. \`test/compat\` has the use of each, a small one; servers are not spoken to.

Work: ${part(false)}.

Work with \`NATIVE_ADDONS=on\`: ${part(true) || 'none'}.

${failing.length === 0 ? 'None failed.' : failingTable(failing)}
`;
}

const failingTable = (failing: readonly SeenUse[]): string =>
  `| package | what went wrong |\n| --- | --- |\n${failing
    .map(
      ({ name, version, why }) =>
        `| ${name} ${version ?? ''} | ${(why ?? '').replaceAll('|', String.raw`\|`)} |`,
    )
    .join('\n')}`;
