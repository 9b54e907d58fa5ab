import { controlAnswerSchema } from '../contract/control.js';
import { HEARTBEAT_TTL_MS, type WorkerRecord } from '../contract/worker-record.js';
import { WORKER_FIELDS } from './fields.js';
import { expectDocument, expectEqual, expectThat } from './mismatch.js';
import type { Check } from './check.js';
import type { Wire } from './wire.js';

/** What workers say of themselves, and what they take from operators. */
export const WORKER_CHECKS: readonly Check[] = [
  { name: 'a worker is alive, with record, heartbeat and type', isBasic: true, run: checkWorker },
  { name: 'answers a command that cannot be read', run: checkControl },
  { name: 'listens to commands for its pool', run: checkPool },
];

/** Id of the worker that has beaten last. */
function lastWorker(wire: Wire): Promise<string> {
  const key = wire.keys.workers();
  return wire.until(
    `the id of a worker in ${key}`,
    async () => (await wire.redis.zrange(key, '0', '0', 'REV'))[0],
  );
}

async function checkWorker({ wire }: { wire: Wire }): Promise<void> {
  const id = await lastWorker(wire);
  const { redis, keys } = wire;
  const record = await wire
    .until(`a worker that is ACTIVE under ${keys.workerRecord(id)}`, async () => {
      const text = await redis.get(keys.workerRecord(id));
      const read = text === null ? null : (JSON.parse(text) as WorkerRecord);
      // Whatever is wrong with it is said below.
      return read?.state === 'STARTING' || read?.isolation_grade === undefined ? null : read;
    })
    .catch(async () => wire.document(keys.workerRecord(id)));
  expectDocument('worker-record', record, WORKER_FIELDS);
  const [beat, type, ttl] = await Promise.all([
    redis.get(keys.heartbeat(id)),
    redis.get(keys.workerType(id)),
    redis.pttl(keys.heartbeat(id)),
  ]);
  expectThat(!Number.isNaN(Date.parse(beat ?? '')), `${keys.heartbeat(id)} is ${beat}, not an ISO time`);
  expectThat(
    ttl > 0 && ttl <= HEARTBEAT_TTL_MS,
    `${keys.heartbeat(id)} expires in ${ttl} ms, not within 30 s`,
  );
  expectEqual(keys.workerType(id), type, (record as WorkerRecord).type);
}

async function checkControl({ wire }: { wire: Wire }): Promise<void> {
  const id = await lastWorker(wire);
  const requestId = wire.newId();
  const message = JSON.stringify({ command: 'no such command', request_id: requestId });
  await wire.redis.publish(wire.keys.controlChannel(id), message);
  const text = await wire.until(`an answer to the request ${requestId}`, () =>
    wire.redis.lindex(wire.keys.controlAnswers(requestId), 0),
  );
  const answer: unknown = JSON.parse(text);
  expectDocument('control-answer', answer, Object.keys(controlAnswerSchema.shape));
  const { worker_id: from, obeyed } = controlAnswerSchema.parse(answer);
  expectEqual('worker_id, obeyed', [from, obeyed], [id, false]);
}

async function checkPool({ wire }: { wire: Wire }): Promise<void> {
  const channel = wire.keys.poolChannel(await lastWorker(wire));
  const [, listeners] = (await wire.redis.pubsub('NUMSUB', channel)) as [string, number | string];
  expectThat(Number(listeners) > 0, `nothing listens on ${channel}`);
}
