import type { ErrorCode, FieldFault, FrameFields } from '../../boundary/runner-frames.js';
import { addToNewest, json, postFrame, sendFrame, takeBack, usageJson } from '../channel/channel.js';
import type { ErrorReport } from './error-report.js';
import type { UserContext } from '../user/user-context.js';
import { serializeValue } from '../user/user-value.js';
import { endOutput } from './output-capture.js';
import { variablesJson } from './variables.js';

/** The fields that every last word carries, as JSON texts. */
type Ending = Pick<FrameFields<'result'>, 'variables' | 'usage'>;

let loaded: FrameFields<'loaded'> = { loadMs: '0' };

/** The entry is loaded. It is said with the next frame; most executions have ended by then, and say it with their result. */
export function noteLoaded(loadMs: number): void {
  loaded = { loadMs: `${loadMs}` };
  postFrame('loaded', loaded);
}

// The last word of an execution, which it has once.

/** The code ended and returned this; what cannot be sent is an error. */
export function reportValue(value: unknown, context: UserContext, limitBytes: number): void {
  const serialized = serializeValue(value, limitBytes);
  if (serialized.ok) {
    const end = ending(context);
    const opening = takeBack('loaded', loaded) ? loaded : null;
    sendFrame('result', { value: serialized.json, ...end, ...opening });
    return;
  }
  const { code, message } = serialized;
  sendError(
    code,
    { name: 'TypeError', message, stack: null, limit: null, final: false, detail: 'null' },
    context,
  );
}

/** The code failed. `locals`: JSON text. */
export function sendError(
  code: ErrorCode,
  report: ErrorReport & { fields?: readonly FieldFault[] | undefined },
  context: UserContext,
  locals = 'null',
): void {
  const { fields } = report;
  sendFrame('error', {
    code: json(code),
    name: json(report.name),
    message: json(report.message),
    stack: json(report.stack),
    limit: json(report.limit),
    final: `${report.final}`,
    detail: report.detail,
    ...(fields && { fields: faultsJson(fields) }),
    locals,
    ...ending(context),
  });
}

const faultsJson = (fields: readonly FieldFault[]): string =>
  `[${fields.map(({ field, message }) => `{"field":${json(field)},"message":${json(message)}}`).join(',')}]`;

/** The runner has been looked over. `dirty`: JSON text of what was left behind; null: nothing, which a result that waits says with it. */
export function reportSettled(dirty: string | null): void {
  if (dirty !== null || !addToNewest('result', 'settled', 'true'))
    postFrame('settled', { dirty: dirty ?? '[]' });
}

/** What every last word carries: variables and use of resources, as JSON texts. */
export function ending(context: UserContext): Ending {
  endOutput();
  return { variables: variablesOf(context), usage: usageJson() };
}

function variablesOf(context: UserContext): string {
  try {
    return variablesJson(context.variables);
  } catch {
    return '{}';
  }
}
