import { readFileSync } from 'node:fs';
import type { SeenManifest, SeenRun, SeenUse } from './seen.js';

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

Seen by \`npm run compat\` on ${run.on} with Node ${run.node}: ${worked} of ${run.uses.length} do what is asked of them, at the default isolation and without network. \`test/compat\` has the use of each, a small one.

Work: ${part(false)}.

Work with \`NATIVE_ADDONS=on\`: ${part(true) || 'none'}.

${failing.length === 0 ? 'None failed.' : failingTable(failing)}

${serversPart(run.servers)}

${workspacesPart(run.workspaces)}
${manifestPart(run.manifest)}`;
}

function serversPart(seen: readonly SeenUse[]): string {
  const titles = [...new Set(seen.map(({ name }) => name))];
  const at = (title: string, network: string): string => {
    const one = seen.find(({ name, network: its }) => name === title && its === network);
    return one?.works ? 'works' : escaped(one?.why ?? 'was not tried');
  };
  const rows = titles.map((title) => `| ${title} | ${at(title, 'proxy')} | ${at(title, 'open')} |`);
  return `Clients against real servers (Postgres of the machine; \`mysql2\` and \`smtp-server\` from npm; HTTP and HTTPS of Node):

| client | at \`NETWORK=proxy\` | at \`NETWORK=open\` |
| --- | --- | --- |
${rows.join('\n')}

MongoDB was not tried: no server of it comes from npm or from Debian.`;
}

const workspacesPart = (seen: readonly SeenUse[]): string =>
  `Workspaces whose \`tsconfig.json\` has \`emitDecoratorMetadata\` and \`paths\`: ${seen
    .map(({ name, works, why }) => `${name} (${works ? 'works' : why})`)
    .join('; ')}.
`;

const manifestPart = (manifest: SeenManifest | null): string =>
  manifest === null
    ? ''
    : `
A manifest of ${manifest.names} names without versions, ${manifest.missing.length} of which cannot be installed, on an empty folder: ${manifest.installed} installed and the others named after ${manifest.seconds} s and ${manifest.cpuSeconds} s of CPU; progress never stood still for longer than ${manifest.longestPauseSeconds} s.
`;

const escaped = (text: string): string => text.replaceAll('|', String.raw`\|`);

const failingTable = (failing: readonly SeenUse[]): string =>
  `| package | what went wrong |\n| --- | --- |\n${failing
    .map(({ name, version, why }) => `| ${name} ${version ?? ''} | ${escaped(why ?? '')} |`)
    .join('\n')}`;
