import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GuardedOutcome, runGuarded } from './guarded-process.js';
import { findNpm, type NpmCommand } from './npm-command.js';
import { makeNpmHome, readRegistrySettings } from './npm-config.js';
import { npmText, type PackageSpec } from '../package-spec.js';

export interface NpmSettings {
  /** Absent: what the machine's npm uses. */
  registry?: string | undefined;
  token?: string | undefined;
  cacheDir: string;
  /** Limit of one run of npm. */
  timeoutMs: number;
  /** See config/machine-environment.ts. */
  environment: Readonly<Record<string, string>>;
}

/** `unreachable`: the registry did not answer, so other packages will fail too. */
export type NpmOutcome = { ok: true } | { ok: false; reason: string; unreachable: boolean };

const OUTPUT_LIMIT_BYTES = 65_536;
const FETCH_LINE = /^npm http (?:fetch|cache) /;
const REASON_LINES = 6;
const REASON_CHARS = 1_000;
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|E407|EIDLETIMEOUT|CERT_\w+|\w+_CERT\w*|\w+_CERTIFICATE\w*)$/;

/**
 * Nothing of a package runs, nothing comes from anywhere but the registry (also not what a package
 * depends on: `git` is a program that does not exist), and nothing is written but `node_modules`.
 */
const FLAGS = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--omit=dev',
  '--no-save',
  '--no-package-lock',
  '--no-bin-links',
  // Each fetch is a line, which is all that npm says of how far it is.
  '--loglevel=http',
  '--logs-max=0',
  '--no-workspaces',
  '--git=/nonexistent/git',
  '--allow-git=none',
  '--allow-remote=none',
  '--allow-file=none',
  '--allow-directory=none',
];

/** npm with one home folder and one registry. Used for the installs of one package set, then thrown away. */
export class NpmInstaller {
  private constructor(
    private readonly npm: NpmCommand,
    private readonly env: Readonly<Record<string, string>>,
    private readonly timeoutMs: number,
    private readonly redact: (text: string) => string,
  ) {}

  /**
   * Finds npm and gives it a clean home at `home`.
   * @throws {NpmMissingError}
   */
  static async open(settings: NpmSettings, home: string, signal: AbortSignal): Promise<NpmInstaller> {
    const npm = findNpm(process.execPath, settings.environment['PATH'] ?? '');
    const registry = await readRegistrySettings(npm, settings, signal);
    const env = await makeNpmHome(home, registry, settings.cacheDir, settings.environment);
    return new NpmInstaller(npm, env, settings.timeoutMs, (text) => redacted(text, settings.token));
  }

  /**
   * Installs specs together into `<folder>/node_modules`. `dryRun` only resolves them; `onFetch` is called for
   * everything that npm gets from the registry or its cache.
   * @throws the signal's reason when it was aborted
   */
  async install(
    folder: string,
    specs: readonly PackageSpec[],
    options: { signal: AbortSignal; timeoutMs?: number; dryRun?: boolean; onFetch?: () => void },
  ): Promise<NpmOutcome> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"private":true}\n');
    const dryRun = options.dryRun ? ['--dry-run'] : [];
    const outcome = await runGuarded({
      command: this.npm.command,
      args: [
        ...this.npm.prefix,
        'install',
        '--prefix',
        folder,
        ...FLAGS,
        ...dryRun,
        '--',
        ...specs.map(npmText),
      ],
      cwd: folder,
      env: this.env,
      timeoutMs: Math.max(1, Math.min(this.timeoutMs, options.timeoutMs ?? this.timeoutMs)),
      outputLimitBytes: OUTPUT_LIMIT_BYTES,
      signal: options.signal,
      onErrorLine: (line) => void (FETCH_LINE.test(line) && options.onFetch?.()),
    });
    options.signal.throwIfAborted();
    return judge(outcome, this.redact);
  }
}

function judge(outcome: GuardedOutcome, redact: (text: string) => string): NpmOutcome {
  if (outcome.ending === 'timed_out') {
    return { ok: false, reason: 'npm did not finish in time and was killed', unreachable: false };
  }
  if (outcome.exitCode === 0) return { ok: true };
  const code = /^npm (?:error|ERR!) code (\S+)/m.exec(outcome.stderr)?.[1] ?? '';
  return { ok: false, reason: redact(lastLines(outcome)), unreachable: UNREACHABLE.test(code) };
}

/** Of npm's talk only this says nothing about the package: log files, bare codes, stack traces, and general advice. */
const CHATTER =
  /complete log of this run|_logs|^log files were not|^npm (?:warn|http|notice)|^[\dA-Z]*$|^[{}\]]|^(?:at|errno|syscall) |^(?:code|errno|type|syscall|erroredSysCall|address|port|hostname|requiredBy): |behind a proxy|^\d+ (?:note that you can|tarball, folder)/i;

/** What npm itself said, without its prefix and its chatter: the first lines, which name the error, and the last. Pure. */
export function lastLines(outcome: Pick<GuardedOutcome, 'stderr' | 'stdout' | 'exitCode'>): string {
  const lines = `${outcome.stdout}\n${outcome.stderr}`
    .split('\n')
    .map((line) =>
      line
        .replace(/^npm (?:error|ERR!) ?/, '')
        .replaceAll(/\p{Cc}/gu, ' ')
        .trim(),
    )
    .filter((line) => !CHATTER.test(line));
  const kept = lines.length > REASON_LINES ? [...lines.slice(0, 3), ...lines.slice(3 - REASON_LINES)] : lines;
  const text = kept.join('\n');
  return text === '' ? `npm ended with exit code ${outcome.exitCode}` : text.slice(0, REASON_CHARS);
}

function redacted(text: string, token: string | undefined): string {
  const withoutToken = token === undefined ? text : text.replaceAll(token, '***');
  return withoutToken.replaceAll(/(\w+:\/\/)[^/\s@]+@/g, '$1***@');
}
