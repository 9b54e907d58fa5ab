import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ApiAccess } from './http/api-access.js';
import { sendRequest } from './http/api-request.js';
import { EXIT, type ExitCode } from './output/exit.js';
import { asJson, type Output } from './output/output.js';

/** What there is to show a page on. */
interface Desk {
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
}

const ANSWER_TIMEOUT_MS = 5_000;

/**
 * `bifrost open`: opens the console in the browser of this machine. The address is printed in any case, and is all
 * that happens where there is no browser. Resolves with the exit code.
 * @throws {CommandError} when no worker answers there.
 */
export async function openConsole(
  access: ApiAccess,
  desk: Desk,
  output: Output,
  { json = false }: { json?: boolean } = {},
): Promise<ExitCode> {
  const { token: _, ...anyone } = access;
  // Needs no token: the browser will be asked for it.
  await sendRequest(
    { ...anyone, token: undefined },
    { method: 'GET', path: '/session', timeoutMs: ANSWER_TIMEOUT_MS },
  );
  const address = `${access.url}/`;
  output.stdout.write(json ? asJson({ url: address }) : `${address}\n`);
  const opener = openerFor(desk);
  if (opener !== null && !(await start(opener, address)))
    output.stderr.write('No browser could be started; open the address yourself.\n');
  return EXIT.succeeded;
}

/** The command that opens an address on a platform, or null: there is nothing to show it on. Pure. */
export function openerFor({ platform, env }: Desk): readonly string[] | null {
  if (platform === 'darwin') return ['open'];
  // Not `start` of cmd, which would read the address as a command line.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? ['xdg-open'] : null;
}

/** Whether the command could be started. It is not waited for: it may be the browser itself. */
async function start([command = '', ...args]: readonly string[], address: string): Promise<boolean> {
  const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
  const isStarted = await once(child, 'spawn').then(
    () => true,
    () => false,
  );
  child.unref();
  return isStarted;
}
