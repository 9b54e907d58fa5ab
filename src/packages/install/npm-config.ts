import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentOfNpm } from '../../config/machine-environment.js';
import { runGuarded } from './guarded-process.js';
import type { NpmCommand } from './npm-command.js';

/** Where packages come from, and how to get there. */
export interface RegistrySettings {
  registry: string;
  /** Sent to that registry only. */
  token?: string;
  /** Lines of npmrc that the machine's own npm uses to reach a registry: certificates and proxies. */
  machineLines: readonly string[];
}

/** Of the machine's npm configuration only these are taken over; tokens in it stay where they are. */
const CARRIED = ['cafile', 'strict-ssl', 'https-proxy', 'proxy', 'noproxy'] as const;
const DEFAULT_REGISTRY = 'https://registry.npmjs.org/';
const CONFIG_TIMEOUT_MS = 20_000;
const CONFIG_LIMIT_BYTES = 1_048_576;
const TOKEN_VARIABLE = 'BIFROST_NPM_TOKEN';

/** Asks the machine's npm which registry it uses and how it gets there; our settings win over its registry. */
export async function readRegistrySettings(
  npm: NpmCommand,
  own: { registry?: string | undefined; token?: string | undefined },
  signal?: AbortSignal,
): Promise<RegistrySettings> {
  const outcome = await runGuarded({
    command: npm.command,
    args: [...npm.prefix, 'config', 'list', '--json'],
    cwd: process.cwd(),
    env: environmentOfNpm(),
    timeoutMs: CONFIG_TIMEOUT_MS,
    outputLimitBytes: CONFIG_LIMIT_BYTES,
    ...(signal ? { signal } : {}),
  });
  const machine = parseMachineConfig(outcome.stdout);
  return {
    registry: own.registry ?? machine.registry,
    ...(own.token === undefined ? {} : { token: own.token }),
    machineLines: machine.lines,
  };
}

/** Reads the answer of `npm config list --json`; what cannot be read counts as npm's defaults. Pure. */
export function parseMachineConfig(json: string): { registry: string; lines: string[] } {
  let config: Record<string, unknown> = {};
  try {
    config = JSON.parse(json) as Record<string, unknown>;
  } catch {
    // An npm too old or broken for this still installs from the default registry.
  }
  const lines = CARRIED.flatMap((name) => {
    const value = config[name];
    const text = Array.isArray(value) ? value.join(',') : value;
    const usable = (typeof text === 'string' && text !== '' && !/[\r\n]/.test(text)) || text === false;
    return usable ? [`${name}=${String(text)}`] : [];
  });
  const registry = config['registry'];
  return { registry: typeof registry === 'string' ? registry : DEFAULT_REGISTRY, lines };
}

/** The npmrc of our installs. The token itself is not in it: npm takes it from its environment. Pure. */
export function renderNpmrc(settings: RegistrySettings, cacheDir: string): string {
  const registry = settings.registry.endsWith('/') ? settings.registry : `${settings.registry}/`;
  return [
    `registry=${registry}`,
    ...(settings.token === undefined
      ? []
      : [`${registry.replace(/^https?:/, '')}:_authToken=\${${TOKEN_VARIABLE}}`]),
    ...settings.machineLines,
    `cache=${cacheDir}`,
    'update-notifier=false',
    'progress=false',
    'fetch-retries=2',
    'fetch-retry-mintimeout=500',
    'fetch-retry-maxtimeout=2000',
    'fetch-timeout=60000',
    '',
  ].join('\n');
}

/**
 * Makes a home folder that holds nothing but our npmrc, and returns npm's whole environment: what
 * `machine` carries, that home, and the token.
 */
export async function makeNpmHome(
  home: string,
  settings: RegistrySettings,
  cacheDir: string,
  machine: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  await mkdir(join(home, 'tmp'), { recursive: true, mode: 0o700 });
  await writeFile(join(home, 'npmrc'), renderNpmrc(settings, cacheDir), { mode: 0o600 });
  await writeFile(join(home, 'globalrc'), '', { mode: 0o600 });
  return {
    ...machine,
    HOME: home,
    TMPDIR: join(home, 'tmp'),
    // What V8 compiles of npm itself. By default it is written to the folder of temporary files, which is thrown away.
    NODE_COMPILE_CACHE: join(cacheDir, '_compiled'),
    LANG: 'C',
    NO_COLOR: '1',
    npm_config_userconfig: join(home, 'npmrc'),
    npm_config_globalconfig: join(home, 'globalrc'),
    ...(settings.token === undefined ? {} : { [TOKEN_VARIABLE]: settings.token }),
  };
}
