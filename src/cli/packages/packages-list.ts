import type { PackagesOverview } from '../../contract/packages.js';
import { ApiClient } from '../http/api-client.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, plain } from '../output/output.js';
import type { Terminal } from './packages-terminal.js';
import { failureHead } from './packages-table.js';
import { type Cell, tableOf } from '../output/table.js';

/**
 * `bifrost packages list`: prints the packages of the manifest.
 * @throws {CommandError} when the API gives no answer.
 */
export async function listPackages(
  options: { json?: boolean },
  { access, output: { stdout }, interrupt }: Terminal,
): Promise<ExitCode> {
  const overview = await new ApiClient(access, interrupt).packages();
  stdout.write(options.json ? asJson(overview) : listText(overview));
  return EXIT.succeeded;
}

/** One package a line: what is asked for, which versions of it there are, and on how many of the live workers. */
export function listText({ content, problem, packages, refused, workers }: PackagesOverview): string {
  if (problem !== null) return `${plain(problem)}\n`;
  if (content === null) return 'no manifest: executions run without packages\n';
  const rows = packages.map(({ name, range }): Cell[] => {
    const versions = workers.flatMap(({ status }) =>
      (status?.installed ?? []).filter((one) => one.name === name).map(({ version }) => version),
    );
    const texts = [
      name,
      range,
      [...new Set(versions)].toSorted().join(' ') || '-',
      `${versions.length}/${workers.length}`,
    ];
    return texts.map((text) => ({ text: plain(text) }));
  });
  const table = rows.length === 0 ? 'the manifest names no packages\n' : tableOf(HEADINGS, rows);
  return table + refused.map((one) => `${failureHead(one)}: ${plain(one.reason)}\n`).join('');
}

const HEADINGS = ['PACKAGE', 'WANTED', 'INSTALLED', 'WORKERS'];
