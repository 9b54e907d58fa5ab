import { type CampaignReport, findingsOf } from '../contract/clients/faults-report.js';
import { duration } from '../lib/text/duration.js';
import { partOfWorker } from './application.js';
import { CommandError, EXIT, type ExitCode } from './output/exit.js';
import { asJson, type Output, paint, plain } from './output/output.js';
import { tableOf } from './output/table.js';

export interface FaultsOptions {
  redis?: string;
  executions?: string;
  workers?: string;
  seed?: string;
  break?: readonly string[];
  json?: boolean;
}

const EXECUTIONS = { least: 1, most: 1_000_000, otherwise: 1_000 };
const WORKERS = { least: 1, most: 32, otherwise: 3 };
const SEED = { least: 0, most: 2 ** 31, otherwise: null };
/** More than the workers can run at once, so that work always waits. */
const WAITING_PER_WORKER = 8;
const PAUSE_MS = [2_000, 6_000] as const;
/** Ids that a table names of each kind; the JSON has all. */
const NAMED = 5;

/** What each list of the audit means. */
const MEANINGS = {
  lost: 'have no result',
  doubled: 'have more than one result',
  disagreeing: 'have another result in Redis than on the result queue',
  undeclared: 'ran more often than their results show',
  failed: 'failed although their code did not',
  orphans: 'processes outlived their workers',
  keysForEver: 'keys would stay in Redis for ever',
  filesLeft: 'files were left on the disk',
} as const satisfies Partial<Record<keyof CampaignReport, string>>;

/**
 * `bifrost faults`: a campaign of faults against workers of this machine and a Redis that is there. Resolves with the
 * exit code.
 * @throws {CommandError} when the options cannot be used, or the campaign cannot be carried out
 */
export async function faults(
  env: Readonly<Record<string, string | undefined>>,
  options: FaultsOptions,
  { stdout, stderr }: Output,
): Promise<ExitCode> {
  const redisUrl = options.redis ?? env['REDIS_URL'];
  if (!redisUrl)
    throw new CommandError(EXIT.usage, 'Which Redis? Give --redis redis://host:6379, or set REDIS_URL');
  const workers = wholeNumber('--workers', options.workers, WORKERS)!;
  const plan = {
    seed: wholeNumber('--seed', options.seed, SEED) ?? Math.floor(Math.random() * SEED.most),
    executions: wholeNumber('--executions', options.executions, EXECUTIONS)!,
    workers,
    atOnce: WAITING_PER_WORKER * workers,
    pauseMs: PAUSE_MS,
  };
  const { campaignOn } = await partOfWorker('faults.cjs', () => import('../faults/own-stack.js'));
  stderr.write(
    `seed ${plan.seed}: ${plan.executions} executions on ${workers} worker${workers === 1 ? '' : 's'}\n`,
  );
  const report = await campaignOn(plan, {
    redisUrl,
    environment: env,
    commands: options.break ?? [],
    onProgress: ({ fault, ended }) => stderr.write(`${ended} of ${plan.executions} ended; now: ${fault}\n`),
  }).catch((error: Error) => {
    throw new CommandError(EXIT.unavailable, error.message);
  });
  stdout.write(options.json ? asJson(report) : textOf(report, stdout));
  return Object.keys(findingsOf(report)).length === 0 ? EXIT.succeeded : EXIT.failed;
}

function wholeNumber(
  option: string,
  text: string | undefined,
  { least, most, otherwise }: { least: number; most: number; otherwise: number | null },
): number | null {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new CommandError(
    EXIT.usage,
    `${option} must be a whole number from ${least} to ${most}, not ${text}`,
  );
}

function textOf(report: CampaignReport, stdout: Output['stdout']): string {
  const made = Object.entries(report.faults).map(([fault, times]) => [
    { text: plain(fault) },
    { text: String(times) },
  ]);
  const found = Object.entries(MEANINGS).map(([name, meaning]) => {
    const all = report[name as keyof typeof MEANINGS];
    const named = all.slice(0, NAMED).join(', ') + (all.length > NAMED ? ', …' : '');
    const text = `${all.length} ${meaning}${named && `: ${plain(named)}`}`;
    return `${paint(all.length === 0 ? 'green' : 'red', text, stdout)}\n`;
  });
  const { executions, seconds, seed, repeated, failover } = report;
  return [
    `${tableOf(['FAULT', 'TIMES'], made)}\n`,
    `${executions} executions in ${seconds} s, seed ${seed}\n`,
    ...found,
    `${repeated} ran more than once, as their results show\n`,
    `work of a killed worker went on after ${duration(failover.medianMs)} (median), ${duration(failover.worstMs)} (worst) of ${failover.count}\n`,
  ].join('');
}
