import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { TEST_CERTIFICATE } from '../../support/servers/test-certificate.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);

/** Echoes the body; `/?URL` sends on to that URL. */
const answer: RequestListener = (request, response) => {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  request.on('end', () => {
    const to = decodeURIComponent((request.url ?? '').slice(2));
    if (to !== '') response.writeHead(302, { location: to });
    response.end(`${request.method} ${bytes}`);
  });
};

const servers: Server[] = [];
async function serve(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
let port: number;
let securePort: number;

beforeAll(async () => {
  port = await serve(createServer(answer));
  securePort = await serve(createSecureServer(TEST_CERTIFICATE, answer));
});
afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

/** Calls back with what came of each URL: the text, or the code and message of the error. */
const FETCH = `
export default async ({ urls }) => Promise.all(urls.map((url) =>
  fetch(url).then((answer) => answer.text(), ({ cause }) => [cause.code, cause.message])));
`;

describe.each([
  ['fresh runners in namespaces, or what is strongest here', {}],
  [
    'reused runners of the level process',
    { ISOLATION: 'process', RUNNER_MAX_EXECUTIONS: '100', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true' },
  ],
])('network proxy with %s', (title, env) => {
  const startWorker = useWorkers();
  let producer: Producer;
  let worker: WorkerProcess;
  const run = async (changes: Partial<ExecutionContext>): Promise<ExecutionResult> =>
    producer.executionResult(
      await producer.submitExecution(aContext({ function_name: 'default', ...changes })),
    );
  const fetched = async (...urls: string[]): Promise<unknown> => {
    const { result, error } = await run({ workflow_code: FETCH, parameters: { urls } });
    return error ?? result;
  };

  beforeAll(async () => {
    const queueName = title.replaceAll(/\W+/g, '-');
    producer = makeProducer({ queueName });
    worker = await startWorker({
      env: {
        REDIS_URL: redis.url,
        QUEUE_NAME: queueName,
        CONCURRENCY: '2',
        NETWORK: 'proxy',
        // Code that floods uses the processor until it is killed.
        CANCEL_GRACE_SECONDS: '0.5',
        NETWORK_ALLOW: `*,127.0.0.1:${port},localhost:${securePort}/private,${new URL(redis.url).host}`,
        ...env,
      },
    });
  });

  it('fetches from what is allowed, again and again', async () => {
    const url = `http://127.0.0.1:${port}/`;
    expect(await fetched(url)).toEqual(['GET 0']);
    expect(await fetched(url, url, `${url}?${encodeURIComponent(url)}`)).toEqual(['GET 0', 'GET 0', 'GET 0']);
  });

  it.each(['import https from "node:https";', 'const https = process.getBuiltinModule("https");'])(
    'speaks TLS with the server itself: %s',
    async (source) => {
      const workflow_code = `
${source}
export default ({ url, ca }) => new Promise((done, no) => {
  const request = https.request(url, { ca, method: 'POST' }, (answer) => { let seen = ''; answer.on('data', (chunk) => (seen += chunk)); answer.on('end', () => done(seen)); });
  request.on('error', no).end('x'.repeat(1e6));
});`;
      const parameters = { url: `https://localhost:${securePort}/` };
      const ca = TEST_CERTIFICATE.cert;
      expect(await run({ workflow_code, parameters: { ...parameters, ca } })).toMatchObject({
        result: 'POST 1000000',
      });
      const unknown = await run({ workflow_code, parameters });
      expect(unknown.error).toMatch(/self-signed certificate/);
    },
  );

  it.each([
    ['new net.Socket().connect(port, host)', 'new net.Socket().connect(port, "127.0.0.1")'],
    ['connect with options', 'new net.Socket().connect({ port, host: "127.0.0.1" })'],
    ['a class of its own', 'new (class extends net.Socket {})().connect(port, "127.0.0.1")'],
    ['net.createConnection', 'net.createConnection(port, "127.0.0.1")'],
  ])('connects by %s', async (_what, made) => {
    const workflow_code = `import net from 'node:net';
export default ({ port }) => new Promise((done, no) => {
  let seen = '';
  const socket = ${made};
  socket.on('data', (chunk) => (seen += chunk)).on('end', () => done([seen.split(' ')[1], socket instanceof net.Socket])).on('error', no);
  socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n');
});`;
    expect(await run({ workflow_code, parameters: { port } })).toMatchObject({ result: ['200', true] });
  });

  it.each(['net.connect(port, "localhost", secure)', 'new net.Socket().connect(port, "localhost", secure)'])(
    'speaks TLS over a connection that is there already: %s',
    async (made) => {
      const workflow_code = `import net from 'node:net';
import tls from 'node:tls';
export default ({ port, ca }) => new Promise((done, no) => {
  const plain = ${made};
  plain.on('error', no);
  function secure() {
    let seen = '';
    const socket = tls.connect({ socket: plain, ca, servername: 'localhost' }, () => socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n'));
    socket.on('data', (chunk) => (seen += chunk)).on('end', () => done([seen.split(' ')[1], socket.authorized])).on('error', no);
  }
});`;
      const parameters = { port: securePort, ca: TEST_CERTIFICATE.cert };
      expect(await run({ workflow_code, parameters })).toMatchObject({ result: ['200', true] });
    },
  );

  it('looks names up by the rules, and connects to what it was told', async () => {
    const workflow_code = `import dns, { lookup, promises } from 'node:dns';
import { lookup as promised, resolve4 } from 'node:dns/promises';
import net from 'node:net';
import { promisify } from 'node:util';
const said = (promise) => promise.catch(({ code, syscall, hostname }) => [code, syscall, hostname]);
const called = (call, ...args) => said(new Promise((done, no) => call(...args, (error, ...all) => error ? no(error) : done(all))));
export default async ({ port, securePort }) => {
  const before = await said(new Promise((done, no) => net.connect(securePort, '127.0.0.1', done).on('error', no)));
  const told = [
    await called(lookup, 'localhost'),
    await called(lookup, 'localhost', 4),
    await called(dns.lookup, 'localhost', { all: true, family: 'IPv4' }),
    await promisify(dns.lookup)('localhost', { family: 4 }),
    await promised('localhost', { all: true, family: 4, order: 'ipv6first' }),
    await promises.lookup('10.1.2.3'),
    await called(dns.resolve4, 'localhost'),
    await called(dns.resolve, 'localhost', 'A'),
    await resolve4('localhost', { ttl: true }),
  ];
  const socket = net.connect(securePort, (await promised('localhost', 4)).address);
  const connected = await said(new Promise((done, no) => socket.on('connect', () => done('connected')).on('error', no)));
  socket.destroy();
  const refused = [await said(promised('x_y.no host')), await said(promises.resolveTxt('localhost')), await called(dns.resolveMx, 'localhost')];
  let invalid;
  try { dns.lookup('localhost', { family: 5 }, () => {}) } catch ({ code }) { invalid = code }
  return { before: before[0], told, connected, refused, invalid };
};`;
    const v4 = { address: '127.0.0.1', family: 4 };
    const { result, error } = await run({ workflow_code, parameters: { port, securePort } });
    expect(error ?? result).toEqual({
      before: 'ERR_NETWORK_REFUSED',
      told: [
        ['127.0.0.1', 4],
        ['127.0.0.1', 4],
        [[v4]],
        v4,
        [v4],
        { address: '10.1.2.3', family: 4 },
        [['127.0.0.1']],
        [['127.0.0.1']],
        [{ address: '127.0.0.1', ttl: 0 }],
      ],
      connected: 'connected',
      refused: [
        ['ERR_NETWORK_REFUSED', 'getaddrinfo', 'x_y.no host'],
        ['ERR_NETWORK_REFUSED', null, null],
        ['ERR_NETWORK_REFUSED', null, null],
      ],
      invalid: 'ERR_INVALID_ARG_VALUE',
    });
  });

  it('refuses what is inside, and says so to the code, in the log and in the metrics', async () => {
    const inside = [
      'http://127.0.0.1/',
      'http://169.254.169.254/latest/meta-data/',
      'http://localhost/',
      'http://[::ffff:127.0.0.1]/',
      `http://127.0.0.1:${port}/?${encodeURIComponent('http://localhost/')}`,
      `http://127.0.0.1:${port}/?${encodeURIComponent('http://169.254.169.254/')}`,
      `http://${new URL(redis.url).host}/`,
      worker.url,
      `http://127.0.0.1:${securePort}/`,
    ];
    const refused = ['ERR_NETWORK_REFUSED', expect.stringMatching(/ is refused: .*NETWORK_ALLOW/)];
    expect(await fetched(...inside)).toEqual(inside.map(() => refused));
    const line = await until(() => worker.logs.find(({ msg }) => msg === 'network refused'), {
      what: 'the refusal is in the log',
    });
    expect(line).toMatchObject({
      executionId: expect.any(String),
      host: expect.any(String),
      reason: expect.stringMatching(/^(address|port|own)$/),
    });
    const metrics = await (await fetch(`${worker.url}/metrics`)).text();
    expect(metrics).toMatch(/bifrost_network_connections_total\{result="refused",reason="address"\} [1-9]/);
    expect(metrics).toMatch(/bifrost_network_connections_total\{result="opened",reason=""\} [1-9]/);
  });

  it('gives an execution less, and never more', async () => {
    const parameters = { urls: [`http://127.0.0.1:${port}/`] };
    const none = await run({ workflow_code: FETCH, parameters, network: 'none' });
    expect(none.result).toEqual([['ERR_NETWORK_REFUSED', expect.stringContaining('network none')]]);
    expect(await run({ workflow_code: FETCH, parameters, network: 'proxy' })).toMatchObject({
      result: ['GET 0'],
    });
    const open = await run({ workflow_code: FETCH, parameters, network: 'open' });
    expect(open.failure).toMatchObject({ code: 'INVALID_JOB', evidence: { field: 'network' } });
  });

  it('ends connections with their execution', async () => {
    const hold = `
import net from 'node:net';
export default ({ port }) => new Promise((done) => { const socket = net.connect(port, '127.0.0.1', () => done('connected')); globalThis.kept = socket; });`;
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) =>
        servers[0]?.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      );
    expect(await run({ workflow_code: hold, parameters: { port } })).toMatchObject({ result: 'connected' });
    await until(async () => (await connections()) === 0, { what: 'the connection is closed' });
  });

  it('ends a runner that sends garbage, and that execution alone', async () => {
    const garbage = await run({
      workflow_code: `import fs from 'node:fs'; export default () => { fs.writeSync(6, 'CONNECT 127.0.0.1:6379 HTTP/1.1'); return new Promise(() => setInterval(() => {}, 1000)); }`,
    });
    expect(garbage.failure).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
    expect(await fetched(`http://127.0.0.1:${port}/`)).toEqual(['GET 0']);
  });

  it('does not hand a half of a frame on to the next execution', async () => {
    await run({
      workflow_code: `import fs from 'node:fs'; export default () => { fs.writeSync(6, Buffer.from([3, 0])); }`,
    });
    expect(await fetched(`http://127.0.0.1:${port}/`)).toEqual(['GET 0']);
  });

  it('stays well while code floods the descriptor', async () => {
    const id = await producer.submitExecution(
      aContext({
        function_name: 'default',
        timeout_seconds: 600,
        workflow_code: `
import fs from 'node:fs';
const frames = [];
for (let id = 1; id < 3000; id++) { const text = '{"host":"x' + id + '.invalid","port":80}'; const head = Buffer.alloc(9); head[0] = 1; head.writeUInt32LE(id, 1); head.writeUInt32LE(text.length, 5); frames.push(head, Buffer.from(text)); }
const close = Buffer.alloc(9); close[0] = 5; close.writeUInt32LE(1, 1);
const send = (bytes) => { for (let at = 0; at < bytes.length; ) try { at += fs.writeSync(6, bytes, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; } };
export default () => { console.log('floods'); send(Buffer.concat(frames)); const many = Buffer.concat(Array(5000).fill(close)); for (;;) send(many); };`,
      }),
    );
    const client = redis.connect();
    await until(async () => (await client.xlen(`bifrost:logs:${id}`)) > 1, { what: 'it floods' });
    for (let n = 0; n < 3; n += 1) expect(await fetched(`http://127.0.0.1:${port}/`)).toEqual(['GET 0']);
    // It floods still: its neighbours were served beside it, not after it.
    expect(producer.resultsOf(id)).toEqual([]);
    await client.publish('bifrost:cancel', JSON.stringify({ execution_id: id }));
    expect(await producer.executionResult(id)).toMatchObject({ status: 'cancelled' });
  });
});

describe('network open', () => {
  const startWorker = useWorkers();
  it('resolves names at the strongest level of isolation', async () => {
    const producer = makeProducer({ queueName: 'network-open' });
    await startWorker({ env: { REDIS_URL: redis.url, QUEUE_NAME: 'network-open', NETWORK: 'open' } });
    const workflow_code = `import { lookup } from 'node:dns/promises'; export default async () => (await lookup('localhost')).address;`;
    const result = await producer.executionResult(
      await producer.submitExecution(aContext({ workflow_code, function_name: 'default' })),
    );
    expect(result).toMatchObject({ error: null, result: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) });
  });
});
