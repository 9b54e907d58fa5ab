/** Largest value that a job carries as its `returnvalue`, as JSON; waiting on a job is for values, not for files. */
export const RETURN_LIMIT_BYTES = 65_536;

/** Stands in `job.returnvalue` for a value above {@link RETURN_LIMIT_BYTES}. */
export interface LargeValue {
  'bifrost:large-value': {
    bytes: number;
    execution_id: string;
    /** Redis key of the result document, whose field `result` is the value. */
    key: string;
  };
}

/**
 * What BullMQ keeps of a job that succeeded, hands to `waitUntilFinished`, and to the parent of a flow.
 * @param key where the result document is
 */
export function returnValueOf(value: unknown, executionId: string, key: string): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null));
  if (bytes <= RETURN_LIMIT_BYTES) return value ?? null;
  const mark: LargeValue = { 'bifrost:large-value': { bytes, execution_id: executionId, key } };
  return mark;
}
