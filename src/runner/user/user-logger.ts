import { VALUE_DEPTH_LIMIT } from '../../contract/value-limits.js';
import { shapeOfJson } from '../../lib/json-shape.js';
import { json } from '../channel/channel.js';
import { emitOutput } from '../report/output-capture.js';
import { inspectValue, stringify } from '../channel/primordials.js';
import { jsonForm } from './json-form.js';

/** `context.logger`: messages with a level and structured fields. Declared in examples/workspace/bifrost.d.ts. */
export interface UserLogger {
  debug(message: unknown, fields?: Record<string, unknown>): void;
  info(message: unknown, fields?: Record<string, unknown>): void;
  warn(message: unknown, fields?: Record<string, unknown>): void;
  error(message: unknown, fields?: Record<string, unknown>): void;
  /** A logger whose messages all have these fields too. */
  child(fields: Record<string, unknown>): UserLogger;
}

const FIELDS_LIMIT_CHARS = 16_384;

/** What it logs is output on stdout for people, and a record with level and fields for programs. It never throws. */
export function createUserLogger(always?: Record<string, unknown>): UserLogger {
  const log =
    (level: string): UserLogger['info'] =>
    (message, own) => {
      const line = typeof message === 'string' ? message : inspectValue(message);
      const fields = always === undefined ? own : { ...always, ...own };
      if (fields === undefined) return emitOutput('stdout', level, `${line}\n`);
      const data = fieldsJson(fields);
      const record: Record<string, string> = data === null ? {} : { message: json(line), fields: data };
      emitOutput('stdout', level, `${line} ${inspectValue(fields)}\n`, record);
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => createUserLogger({ ...always, ...fields }),
  };
}

/** JSON text of an object; null where it has none, or one that is too long or too deep: the line still shows the fields. */
function fieldsJson(fields: unknown): string | null {
  try {
    const data = stringify(jsonForm(fields, { limitChars: FIELDS_LIMIT_CHARS, describe }));
    if (data?.[0] !== '{' || data.length > FIELDS_LIMIT_CHARS) return null;
    return shapeOfJson(data).depth > VALUE_DEPTH_LIMIT ? null : data;
  } catch {
    return null;
  }
}

/** What has no JSON form is shown as on the line. */
const describe = (value: unknown): string => inspectValue(value, { depth: 0, breakLength: Infinity });
