import { runnerFrameSchema } from '../../boundary/runner-frames.js';
import type { RunnerFrame } from '../../boundary/runner-frames.js';
import { VALUE_DEPTH_LIMIT, VALUE_KEYS_LIMIT } from '../../contract/value-limits.js';
import { shapeOfJson } from '../../lib/json-shape.js';

/** A frame holds values, and some properties of its own. */
const DEPTH_LIMIT = VALUE_DEPTH_LIMIT + 1;
const KEYS_LIMIT = VALUE_KEYS_LIMIT + 50_000;

/** A frame, or what is wrong with it. */
export type ParsedFrame = { ok: true; frame: RunnerFrame } | { ok: false; fault: string };

/** The frame whose JSON begins at `start` of a line. Never throws, whatever a runner has written. */
export function parseFrame(line: string, start: number): ParsedFrame {
  const { depth, keys } = shapeOfJson(line, start);
  if (depth > DEPTH_LIMIT || keys > KEYS_LIMIT)
    return { ok: false, fault: `a frame of ${depth} levels and ${keys} properties` };
  let value: unknown;
  try {
    value = JSON.parse(line.slice(start));
  } catch {
    return { ok: false, fault: 'a frame that is not JSON' };
  }
  const parsed = runnerFrameSchema.safeParse(value);
  if (parsed.success) return { ok: true, frame: parsed.data };
  return { ok: false, fault: `a malformed frame: ${parsed.error.issues[0]?.message ?? ''}` };
}
