const ENCODED = 'id-';

/** Names that BullMQ keeps under `<prefix>:<queue>:`, where its jobs are too: such a job would overwrite the queue. */
const RESERVED: ReadonlySet<string> = new Set([
  'active',
  'wait',
  'waiting-children',
  'paused',
  'id',
  'delayed',
  'prioritized',
  'stalled-check',
  'completed',
  'failed',
  'stalled',
  'repeat',
  'limiter',
  'meta',
  'events',
  'pc',
  'marker',
  'de',
]);

/**
 * Job id of an execution on the work queue: the execution id itself wherever BullMQ can take it.
 * BullMQ refuses integers and ":"; those, its own key names, and what looks encoded already, are
 * percent-encoded after a prefix, so that two executions never share a job id.
 */
export function jobIdOf(executionId: string): string {
  const usable =
    !/^-?\d+$/.test(executionId) &&
    !executionId.includes(':') &&
    !executionId.startsWith(ENCODED) &&
    !RESERVED.has(executionId);
  return usable ? executionId : `${ENCODED}${encodeURIComponent(executionId)}`;
}
