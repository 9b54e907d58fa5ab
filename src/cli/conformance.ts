import type { ConformanceCheck, ConformanceReport } from '../contract/clients/conformance-report.js';
import { partOfWorker } from './application.js';
import { CommandError, EXIT, type ExitCode } from './output/exit.js';
import { asJson, type Colour, type Output, paint, plain } from './output/output.js';
import { tableOf } from './output/table.js';

export interface ConformanceOptions {
  redis?: string;
  preset?: string;
  queue?: string;
  timeout?: string;
  json?: boolean;
}

const DEFAULT_LIMIT_SECONDS = 60;
const COLOURS: Readonly<Record<ConformanceCheck['outcome'], Colour>> = {
  passed: 'green',
  failed: 'red',
  skipped: 'yellow',
};

/**
 * `bifrost conformance`: compares running workers with the contract, and prints a table. Resolves with the
 * exit code.
 * @throws {CommandError} when the settings cannot be used or Redis does not answer
 */
export async function conformance(
  env: Readonly<Record<string, string | undefined>>,
  options: ConformanceOptions,
  { stdout }: Output,
): Promise<ExitCode> {
  const limitMs = limitOf(options.timeout) * 1000;
  const { parseSettings, SettingsError } = await partOfWorker(
    'settings.cjs',
    () => import('../config/settings.js'),
  );
  const settings = (() => {
    try {
      return parseSettings(env, {
        REDIS_URL: options.redis,
        PRESET: options.preset,
        QUEUE_NAME: options.queue,
      });
    } catch (error) {
      if (error instanceof SettingsError) throw new CommandError(EXIT.usage, error.message);
      throw error;
    }
  })();
  if (settings.REDIS_URL === undefined)
    throw new CommandError(EXIT.usage, 'Which Redis? Give --redis redis://host:6379, or set REDIS_URL');
  const { checkConformance } = await partOfWorker('kit.cjs', () => import('../conformance/kit.js'));
  const report = await checkConformance(settings, limitMs).catch((error: Error) => {
    throw new CommandError(EXIT.unavailable, error.message);
  });
  stdout.write(options.json ? asJson(report) : textOf(report, stdout));
  return report.ok ? EXIT.succeeded : EXIT.failed;
}

function limitOf(timeout: string | undefined): number {
  if (timeout === undefined) return DEFAULT_LIMIT_SECONDS;
  const seconds = Number(timeout);
  if (seconds > 0 && seconds <= 3600) return seconds;
  throw new CommandError(EXIT.usage, `--timeout must be a number of seconds up to 3600, not ${timeout}`);
}

function textOf({ queue, preset, checks }: ConformanceReport, stdout: Output['stdout']): string {
  const rows = checks.map(({ name, outcome, detail, durationMs }) => [
    { text: outcome, paint: (text: string) => paint(COLOURS[outcome], text, stdout) },
    { text: `${durationMs} ms` },
    { text: detail === '' ? name : `${name}: ${plain(detail)}` },
  ]);
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length;
  const where = `queue ${queue}${preset === null ? '' : `, preset ${preset}`}`;
  return `${tableOf(['OUTCOME', 'TIME', 'CHECK'], rows)}\n${passed} of ${checks.length} passed (${where})\n`;
}
