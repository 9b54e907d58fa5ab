import { basename } from 'node:path';
import { NETWORK_POLICIES, type NetworkPolicy } from '../../contract/confinement.js';
import type { RequestedContext } from '../../contract/context.js';
import { CommandError, EXIT } from '../output/exit.js';
import { parseNamed, parseSecret } from './secret-option.js';

/** Options of `bifrost run` as they stand on the command line. */
export interface RunOptions {
  param?: readonly string[];
  function?: string;
  timeout?: string;
  /** How often it is tried while its code fails. */
  attempts?: string;
  /** On failure: the local variables of the failing calls too. */
  captureLocals?: boolean;
  network?: string;
  /** Path of a published module instead of a file. */
  module?: string;
  /** `name=value`, or the name of an environment variable; the same for `env`. */
  secret?: readonly string[];
  env?: readonly string[];
  tag?: readonly string[];
  /** Id of the organization on whose behalf it runs. */
  organization?: string;
  /** Folder whose files the code may import. */
  workspace?: string;
  /** Nothing of what the code prints. */
  quiet?: boolean;
  json?: boolean;
}

/**
 * The execution context that a command line asks for. Code without function and parameters runs as a
 * script; parameters need a function to take them, so they make it a call of the default export.
 * @throws {CommandError} naming the argument that cannot be used.
 */
export function contextOf(
  file: string,
  code: string,
  options: RunOptions,
  env: Environment = {},
): RequestedContext {
  return { workflow_code: code, workflow_id: basename(file), ...callOf(options, env) };
}

/**
 * The same for a module of the workspace that is published: a call of its default export, unless another is named.
 * @throws {CommandError} naming the argument that cannot be used.
 */
export function moduleContextOf(path: string, options: RunOptions, env: Environment = {}): RequestedContext {
  if (options.workspace !== undefined)
    throw new CommandError(
      EXIT.usage,
      '--workspace: a published module imports what is published with it; leave one of the two out',
    );
  return { file_path: path, ...callOf({ ...options, function: options.function ?? 'default' }, env) };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What runs and how, beside the code. */
function callOf(options: RunOptions, env: Environment): Omit<RequestedContext, 'workflow_code'> {
  const parameters = (options.param ?? []).map(parseParameter);
  const functionName = options.function ?? (parameters.length > 0 ? 'default' : undefined);
  const { secret = [], env: variables = [], tag = [], organization } = options;
  return {
    ...(functionName === undefined ? {} : { function_name: functionName }),
    parameters: Object.fromEntries(parameters),
    ...(options.network === undefined ? {} : { network: parseNetwork(options.network) }),
    ...(options.captureLocals ? { capture_locals: true } : {}),
    ...(options.timeout === undefined ? {} : { timeout_seconds: parseTimeout(options.timeout) }),
    ...(secret.length === 0
      ? {}
      : { secrets: Object.fromEntries(secret.map((one) => parseSecret(one, env))) }),
    ...(variables.length === 0
      ? {}
      : { env: Object.fromEntries(variables.map((one) => parseNamed('--env', one, env))) }),
    ...(tag.length === 0 ? {} : { tags: [...tag] }),
    ...(organization === undefined ? {} : { organization: { id: organization } }),
  };
}

/** Splits `name=value` at the first equals sign. */
function parseParameter(argument: string): [name: string, value: unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(argument) ?? [];
  if (name === undefined || value === undefined) {
    throw new CommandError(
      EXIT.usage,
      `--param ${argument}: must have the form name=value, such as --param count=3`,
    );
  }
  return [name, parseValue(value)];
}

/** JSON where it is JSON, else the text. A number that JavaScript would change stays text: ids of 20 digits are common. */
function parseValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER ? text : value;
  } catch {
    return text;
  }
}

function parseNetwork(text: string): NetworkPolicy {
  const found = NETWORK_POLICIES.find((policy) => policy === text);
  if (found !== undefined) return found;
  throw new CommandError(EXIT.usage, `--network ${text}: must be one of ${NETWORK_POLICIES.join(', ')}`);
}

/**
 * The options of the job that a command line asks for.
 * @throws {CommandError} naming the argument that cannot be used.
 */
export function jobOptionsOf({ attempts }: RunOptions): { attempts?: number } {
  if (attempts === undefined) return {};
  if (/^[1-9]\d*$/.test(attempts)) return { attempts: Number(attempts) };
  throw new CommandError(EXIT.usage, `--attempts ${attempts}: must be a whole number above 0`);
}

function parseTimeout(text: string): number {
  const seconds = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new CommandError(EXIT.usage, `--timeout ${text}: must be a number of seconds above 0`);
}
