import { createHmac, timingSafeEqual } from 'node:crypto';
import { sha256 } from '../../lib/sha256.js';

/** What the signature of an execution covers. */
export interface SignedExecution {
  executionId: string;
  /** The stored document, byte for byte. */
  context: string;
  /** Unix seconds after which the job is refused; null: never. */
  validUntil: number | null;
}

/** What the signature of a task covers. */
export interface SignedTask {
  taskId: string;
  code: string;
  /** Seconds. */
  timeout: number | null;
  /** none, proxy or open; null: the task does not say. */
  network: string | null;
  validUntil: number | null;
}

/**
 * The text that is signed: four or five lines, so that a producer in any language can make it without
 * having to agree with us on how JSON is written. docs/signed-jobs.md shows it.
 */
export const executionText = ({ executionId, context, validUntil }: SignedExecution): string =>
  ['bifrost-execution-v1', executionId, validUntil ?? '', sha256(context)].join('\n');

/** As {@link executionText}, of a task; one that names a network has another first line and one line more. */
export const taskText = ({ taskId, code, timeout, network, validUntil }: SignedTask): string => {
  const lines = [taskId, validUntil ?? '', timeout ?? '', sha256(code)];
  return (network === null ? ['bifrost-task-v1', ...lines] : ['bifrost-task-v2', ...lines, network]).join(
    '\n',
  );
};

/** HMAC-SHA256 of the UTF-8 text under the UTF-8 key, as 64 hexadecimal digits. */
export const sign = (key: string, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex');

/** Whether one of the keys made the signature; takes as long for a wrong one as for a right one. */
export function isSigned(keys: readonly string[], text: string, signature: string): boolean {
  if (!/^[0-9a-f]{64}$/i.test(signature)) return false;
  const given = Buffer.from(signature, 'hex');
  return keys.map((key) => timingSafeEqual(given, Buffer.from(sign(key, text), 'hex'))).includes(true);
}

/** The keys of JOB_SIGNING_KEY: the first signs, all of them verify. */
export const signingKeys = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');

/** Data of the job of an execution whose context is stored as this text; signed when there is a key. */
export function executionJob(
  key: string | undefined,
  executionId: string,
  context: string,
  validUntil: number | null = null,
): { execution_id: string; valid_until?: number; signature?: string } {
  const text = executionText({ executionId, context, validUntil });
  return {
    execution_id: executionId,
    ...(validUntil === null ? {} : { valid_until: validUntil }),
    ...(key === undefined ? {} : { signature: sign(key, text) }),
  };
}

interface UnsignedTask {
  taskId: string;
  code: string;
  timeout?: number | null | undefined;
  network?: string | null | undefined;
}

/** The task with its signature, when there is a key. */
export function signedTask<T extends UnsignedTask>(
  key: string | undefined,
  task: T & { validUntil?: number | null | undefined },
): T & { signature?: string } {
  if (key === undefined) return task;
  const { taskId, code, timeout = null, network = null, validUntil = null } = task;
  return { ...task, signature: sign(key, taskText({ taskId, code, timeout, network, validUntil })) };
}
