import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { everythingIn } from '../../support/servers/keyspace.js';
import { secretSettings } from '../../../src/config/slices.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { SecretStore } from '../../../src/tenants/secrets/secret-store.js';
import { settingsOf } from '../../support/parts.js';
import { aContext, NAP } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);

const SECRET = 'tz9-Kq"7/w+81xYpLm';
const API_TOKEN = 'token-of-the-api-0123456789';
const SECRETS_KEY = Buffer.alloc(32, 'k').toString('base64');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
/** What of the secret must not be anywhere: its text in each form, and parts of it that decode to half of it. */
const FORMS = {
  raw: SECRET,
  'first half': SECRET.slice(0, 9),
  'in JSON': JSON.stringify(SECRET).slice(1, -1),
  'in a URL': encodeURIComponent(SECRET),
  'in base64': base64(SECRET).slice(0, 20),
  'in base64 after one byte': base64(`:${SECRET}`).slice(4, 20),
  'in base64 after two bytes': base64(`a:${SECRET}`).slice(4, 20),
  'in hexadecimal': Buffer.from(SECRET).toString('hex').slice(0, 20),
  'token of the API': API_TOKEN,
  'key of the store': SECRETS_KEY,
};

const LEAKS = `
  import { writeSync } from 'node:fs';
  const show = (secret) => {
    const url = new URL('https://example.com/');
    url.searchParams.set('key', secret);
    url.password = secret;
    return [secret, JSON.stringify({ secret }), url.href, encodeURIComponent(secret), Buffer.from(secret).toString('base64'),
      Buffer.from('u:' + secret).toString('base64'), Buffer.from(':' + secret + ':').toString('base64url'), Buffer.from(secret).toString('hex')];
  };
  class LeakError extends Error {}
  export default async function run(parameters, context) {
    const secret = context.secrets.KEY;
    const shown = show(secret);
    for (const text of [...shown, parameters.token]) console.log('printed', text, { text });
    console.error(new Error('inspected ' + secret));
    for (const text of shown) {
      process.stdout.write('cut ' + text.slice(0, 7));
      await new Promise((resolve) => setTimeout(resolve, 5));
      process.stdout.write(text.slice(7) + '\\n');
      process.stderr.write(Buffer.from(text));
      writeSync(1, 'past the console ' + text + '\\n');
    }
    for (const char of secret) process.stdout.write(char);
    context.logger.warn('logged ' + secret, { [secret]: shown, nested: { secret } });
    context.logger.child({ secret }).info('child');
    context.progress(0.5, 'at ' + shown.join());
    context.variables[secret] = shown;
    context.variables.deep = { a: [{ [secret]: secret }] };
    if (parameters.fail === 'throw') throw Object.assign(new LeakError('thrown ' + shown.join()), { cause: new Error(secret) });
    if (parameters.fail === 'exit') { console.error(secret); process.exit(3); }
    if (parameters.fail === 'loop') { process.stdout.write(secret.slice(0, 12)); for (;;) ${NAP}; }
    if (parameters.fail === 'uncaught') { setTimeout(() => { throw new Error('late ' + secret) }); return new Promise(() => {}); }
    return { [secret]: shown, again: secret };
  }
`;

describe.each([
  ['process', {}],
  ['thread', { RUNNER: 'thread', TRUSTED_CODE: 'true' }],
])('a secret in a runner of the kind %s', (kind, env) => {
  const startWorker = useWorkers();
  let producer: Producer;
  let client: RedisClient;
  let worker: WorkerProcess;

  beforeAll(async () => {
    producer = makeProducer({ queueName: kind });
    client = redis.connect();
    worker = await startWorker({
      env: { REDIS_URL: redis.url, QUEUE_NAME: kind, CONCURRENCY: '2', API_TOKEN, SECRETS_KEY, ...env },
      args: ['--id', kind],
    });
  });

  const run = async (fail: string, changes: Partial<ExecutionContext> = {}): Promise<ExecutionResult> => {
    const context = aContext({
      workflow_code: LEAKS,
      secrets: { KEY: SECRET, OTHER: 'x' },
      // `loop` has to have printed by then, also on a slow and busy machine.
      timeout_seconds: fail === 'loop' ? 4 : 600,
      capture_locals: true,
      // A credential of the worker is not shown, however it got there.
      parameters: { fail, token: API_TOKEN.split('').toReversed().join('') },
      ...changes,
    });
    const code = (context.workflow_code as string).replace(
      'parameters.token]',
      `parameters.token.split('').toReversed().join('')]`,
    );
    const id = await producer.submitExecution({ ...context, workflow_code: code }, randomUUID());
    return producer.executionResult(id);
  };

  it.each([
    ['nothing', 'succeeded'],
    ['throw', 'failed'],
    ['exit', 'failed'],
    ['uncaught', 'failed'],
    ['loop', 'timed_out'],
  ])('is nowhere in Redis after an execution that ends by %s', async (fail, status) => {
    const result = await run(fail);
    expect(result.status).toBe(status);
    // It did show something: redacted, not absent.
    expect(result.stdout).toContain('printed [redacted]');
    expect(result.logs.at(-1)).toBeDefined();
    const everything = await everythingIn(client);
    expect(everything).toContain('[redacted]');
    for (const [form, text] of Object.entries(FORMS)) {
      expect({ form, at: around(everything, text) }).toEqual({ form, at: null });
    }
  });

  it.each(['nothing', 'throw'])('of the store is nowhere either, after one that ends by %s', async (fail) => {
    const store = new SecretStore(client, new RedisKeys(''), secretSettings.of(settingsOf({ SECRETS_KEY })));
    await store.set({ organization: 'acme', name: 'KEY' }, SECRET);
    const stored = { secrets: undefined, organization: { id: 'acme' }, secret_names: ['KEY'] };
    const result = await run(fail, stored);
    expect(result).toMatchObject({ success: fail === 'nothing', organization: { id: 'acme' } });
    expect(result.stdout).toContain('printed [redacted]');
    const everything = `${await everythingIn(client)}\n${worker.output.join('\n')}`;
    for (const [form, text] of Object.entries(FORMS))
      expect({ form, at: around(everything, text) }).toEqual({ form, at: null });
    expect((await run(fail, { ...stored, secret_names: ['NONE'] })).failure).toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      evidence: { field: 'secret_names' },
    });
  });

  it('is there for every attempt that the job asked for', async () => {
    const context = aContext({
      workflow_code: `export default (_, context) => {
        if (context.attempt < 3) throw new Error('not yet ' + context.secrets.KEY);
        return context.secrets.KEY.length;
      }`,
      secrets: { KEY: SECRET },
    });
    const id = await producer.submitExecution(context, randomUUID(), { attempts: 3 });
    expect(await producer.executionResult(id)).toMatchObject({ attempt: 3, result: SECRET.length });
    const everything = await everythingIn(client);
    expect(everything).toContain('not yet [redacted]');
    expect(around(everything, SECRET)).toBeNull();
  });

  it('is taken out of the context that the producer wrote, and of nothing else there', async () => {
    const { execution_id: id } = await run('nothing');
    const context = JSON.parse(
      (await client.get(`bifrost:exec:${id}:context`)) as string,
    ) as ExecutionContext;
    expect(context).toMatchObject({
      secrets: { KEY: '[redacted]', OTHER: '[redacted]' },
      timeout_seconds: 600,
      capture_locals: true,
    });
    expect(await client.ttl(`bifrost:exec:${id}:context`)).toBeGreaterThan(0);
  });
});

/** The neighbourhood of what should not be there, for the message of a test that fails. */
function around(text: string, part: string): string | null {
  const at = text.indexOf(part);
  return at < 0 ? null : text.slice(Math.max(0, at - 200), at + part.length + 50);
}
