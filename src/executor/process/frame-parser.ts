import { DURATION_LIMIT_MS, runnerFrameSchema } from '../../boundary/runner-frames.js';
import type { RunnerFrame } from '../../boundary/runner-frames.js';
import { VALUE_DEPTH_LIMIT, VALUE_KEYS_LIMIT } from '../../contract/value-limits.js';
import { shapeOfJson } from '../../lib/json-shape.js';

/** A frame holds values, and some properties of its own. */
const DEPTH_LIMIT = VALUE_DEPTH_LIMIT + 1;
const KEYS_LIMIT = VALUE_KEYS_LIMIT + 50_000;

/** A frame, or what is wrong with it. */
export type ParsedFrame = { ok: true; frame: RunnerFrame } | { ok: false; fault: string };

/** The last frame of an execution on a reused runner, where that did not come with its result. */
const CLEAN = '{"type":"settled","dirty":[]}';
const CLEAN_FRAME: ParsedFrame = { ok: true, frame: JSON.parse(CLEAN) as RunnerFrame };

/** The frame whose JSON begins at `start` of a line. Never throws, whatever a runner has written. */
export function parseFrame(line: string, start: number): ParsedFrame {
  if (line.length === start + CLEAN.length && line.endsWith(CLEAN)) return CLEAN_FRAME;
  const { depth, keys } = shapeOfJson(line, start);
  if (depth > DEPTH_LIMIT || keys > KEYS_LIMIT)
    return { ok: false, fault: `a frame of ${depth} levels and ${keys} properties` };
  let value: unknown;
  try {
    value = JSON.parse(line.slice(start));
  } catch {
    return { ok: false, fault: 'a frame that is not JSON' };
  }
  if (isPlainFrame(value)) return { ok: true, frame: value };
  const parsed = runnerFrameSchema.safeParse(value);
  if (parsed.success) return { ok: true, frame: parsed.data };
  return { ok: false, fault: `a malformed frame: ${parsed.error.issues[0]?.message ?? ''}` };
}

/**
 * Whether it is one of the frames that every execution sends which ends well: `ready`, `loaded`, a `result` without variables,
 * a clean `settled`. Never true of what the schema would refuse or change; false says nothing.
 */
export function isPlainFrame(value: unknown): value is RunnerFrame {
  if (typeof value !== 'object' || value === null) return false;
  const frame = value as Record<string, unknown>;
  const { length } = Object.keys(frame);
  switch (frame['type']) {
    case 'ready':
      return length === 1;
    case 'loaded':
      return length === 2 && isDuration(frame['loadMs']);
    case 'settled':
      return length === 2 && Array.isArray(frame['dirty']) && frame['dirty'].length === 0;
    case 'result':
      return (
        length === RESULT_FIELDS + has(frame, 'value') + has(frame, 'loadMs') + has(frame, 'settled') &&
        (frame['loadMs'] === undefined || isDuration(frame['loadMs'])) &&
        (frame['settled'] === undefined || frame['settled'] === true) &&
        isEmpty(frame['variables']) &&
        isUsage(frame['usage'])
      );
    default:
      return false;
  }
}

/** What each result has: its type, variables and usage. */
const RESULT_FIELDS = 3;

const has = (frame: object, name: string): number => (Object.hasOwn(frame, name) ? 1 : 0);

const isDuration = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && value <= DURATION_LIMIT_MS;

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

function isUsage(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 3) return false;
  const { userMs, systemMs, maxRssMb } = value as Record<string, unknown>;
  return isDuration(userMs) && isDuration(systemMs) && isDuration(maxRssMb);
}
