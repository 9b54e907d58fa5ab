import type { OrganizationSettings } from '../../contract/organization.js';
import { durationMs } from '../history/history-options.js';
import { CommandError, EXIT } from '../output/exit.js';

/** Options of `bifrost organizations set`, as they stand on the command line. `none` takes what was set away. */
export interface SetOptions {
  weight?: string;
  maxRunning?: string;
  rate?: string;
  workflow?: readonly string[];
  quota?: readonly string[];
  memoryMb?: string;
  timeout?: string;
  outputBytes?: string;
  network?: string;
  networkAllow?: string;
  nativeAddons?: string;
  json?: boolean;
}

/** What a record is sent as: the API checks it. */
type Sent = Record<string, unknown>;

const NONE = 'none';

/**
 * The record with what the options change of it, as `PUT /organizations/:id` takes it.
 * @throws {CommandError} naming the option that cannot be read.
 */
export function changedSettings(before: OrganizationSettings, options: SetOptions): Sent {
  const { weight, max_running, rate, workflows, quotas, limits } = before;
  return {
    weight: options.weight === undefined ? weight : (numberOf('--weight', options.weight) ?? 1),
    max_running: changed(max_running, options.maxRunning, (text) => numberOf('--max-running', text)),
    rate: changed(rate, options.rate, rateOf),
    workflows: (options.workflow ?? []).reduce<Sent>(withWorkflow, { ...workflows }),
    quotas: (options.quota ?? []).reduce<Sent>(withQuota, { ...quotas }),
    limits: {
      memory_mb: changed(limits.memory_mb, options.memoryMb, (text) => numberOf('--memory-mb', text)),
      timeout_seconds: changed(
        limits.timeout_seconds,
        options.timeout,
        (text) => durationMs('--timeout', text) / 1000,
      ),
      output_bytes: changed(limits.output_bytes, options.outputBytes, (text) =>
        numberOf('--output-bytes', text),
      ),
      // "none" is a network.
      network:
        options.network === undefined ? limits.network : options.network === 'any' ? null : options.network,
      network_allow: changed(limits.network_allow, options.networkAllow, (text) =>
        text.split(',').map((entry) => entry.trim()),
      ),
      native_addons: changed(limits.native_addons, options.nativeAddons, (text) =>
        onOrOff('--native-addons', text),
      ),
    },
  };
}

/** `none` takes it away. */
const changed = (before: unknown, text: string | undefined, read: (text: string) => unknown): unknown => {
  if (text === undefined) return before;
  return text === NONE ? null : read(text);
};

function numberOf(option: string, text: string): number | null {
  if (text === NONE) return null;
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new CommandError(EXIT.usage, `${option}: must be a number`);
}

function onOrOff(option: string, text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new CommandError(EXIT.usage, `${option}: must be on or off`);
}

function rateOf(text: string): Sent {
  const [, executions, time] = /^(\d+)\/(.+)$/.exec(text) ?? [];
  if (executions === undefined || time === undefined)
    throw new CommandError(EXIT.usage, '--rate: must be executions and a time, such as 100/60s');
  return { executions: Number(executions), per_seconds: durationMs('--rate', time) / 1000 };
}

function withWorkflow(workflows: Sent, text: string): Sent {
  const [name, most] = nameAndValue('--workflow', text, 'nightly-report=1');
  const { [name]: _, ...others } = workflows;
  return most === NONE ? others : { ...others, [name]: { max_running: numberOf('--workflow', most) } };
}

function withQuota(quotas: Sent, text: string): Sent {
  const [name, value] = nameAndValue('--quota', text, 'cpu_seconds=3600 or executions=1000:slow');
  const { [name]: _, ...others } = quotas;
  if (value === NONE) return others;
  const [limit = '', action = 'refuse'] = value.split(':');
  return { ...others, [name]: { limit: numberOf('--quota', limit), action } };
}

function nameAndValue(option: string, text: string, example: string): [string, string] {
  const at = text.lastIndexOf('=');
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw new CommandError(EXIT.usage, `${option}: must be such as ${example}`);
}
