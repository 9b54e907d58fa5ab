import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from './run.js';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const json =
  (status: number, document: (id: string) => object): Answer =>
  (request, response, body) => {
    const id = body ? (JSON.parse(body) as { execution_id: string }).execution_id : idOf(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document(id)));
  };
const idOf = ({ url }: IncomingMessage): string => /executions\/([^?]+)/.exec(url ?? '')?.[1] ?? '';

const queued = json(202, (execution_id) => ({ execution_id, status: 'queued' }));
const ended = json(200, (execution_id) => ({
  execution_id,
  success: true,
  status: 'succeeded',
  result: null,
  stdout: 'done\n',
  stderr: '',
}));
const stream =
  (events: { event: string; id: string; data: object }[]): Answer =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const { event, id, data } of events) {
      response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
    response.end(':\n\n');
  };
const away = json(503, () => ({ detail: 'Redis is away' }));
const page: Answer = (_request, response) => void response.end('<html>');
const moved: Answer = (_request, response) => void response.writeHead(307, { location: '/other' }).end();
const broken: Answer = (request) => request.socket.destroy();

/** Answers in turn, the last one for ever. */
let script: Answer[] = [];
const noLog = json(404, () => ({ detail: 'There is no such route' }));
/** Answer to a request for the log. */
let log: Answer = noLog;
const asked: { path: string; authorization: string | undefined; body: string }[] = [];
const server = createServer((request, response) => {
  void text(request).then((body) => {
    const path = request.url ?? '';
    asked.push({ path, authorization: request.headers.authorization, body });
    if (path.endsWith('/logs')) return log(request, response, body);
    const answer = script.length > 1 ? script.shift() : script[0];
    answer?.(request, response, body);
  });
});
let url: string;
let folder: string;
let file: string;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
  folder = await mkdtemp(join(tmpdir(), 'bifrost-test-run-'));
  file = join(folder, 'x.js');
  await writeFile(file, '\u{feff}1');
});

afterEach(() => {
  asked.length = 0;
  log = noLog;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  code: number | undefined;
  error: unknown;
  stdout: string;
  stderr: string;
}

async function runFile(
  answers: Answer[],
  options: { interrupt?: AbortSignal; patienceMs?: number } = {},
): Promise<Ended> {
  script = [...answers];
  const output = { stdout: new PassThrough(), stderr: new PassThrough() };
  const outcome = await run(
    file,
    {},
    { access: { url, token: 'secret' }, output, interrupt: new AbortController().signal, ...options },
  ).then(
    (code) => ({ code, error: undefined }),
    (error: unknown) => ({ code: undefined, error }),
  );
  output.stdout.end();
  output.stderr.end();
  return { ...outcome, stdout: await text(output.stdout), stderr: await text(output.stderr) };
}

describe('a run', () => {
  it('submits once, with the token, and asks until there is a result', async () => {
    const result = await runFile([queued, queued, ended]);
    expect(result).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
    const { execution_id: id, ...context } = JSON.parse(asked[0]!.body) as { execution_id: string };
    expect(context).toEqual({ workflow_code: '1', workflow_id: 'x.js', parameters: {} });
    expect(asked.map(({ path }) => path)).toEqual([
      '/base/executions?wait=0',
      `/base/executions/${id}/logs`,
      `/base/executions/${id}?wait=55`,
      `/base/executions/${id}?wait=55`,
    ]);
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer secret']));
  });

  it('shows what is printed while it runs, and not again at the end', async () => {
    log = stream([
      { event: 'start', id: '1-0', data: { attempt: 1 } },
      { event: 'log', id: '2-0', data: { stream: 'stdout', message: 'now' } },
      { event: 'progress', id: '3-0', data: { fraction: 0.5, message: null } },
      { event: 'log', id: '4-0', data: { stream: 'stderr', message: 'careful' } },
      { event: 'log', id: '5-0', data: { stream: 'stdout', message: 'no end', partial: true } },
      { event: 'end', id: '6-0', data: { status: 'succeeded' } },
    ]);
    const value = json(200, (execution_id) => ({
      execution_id,
      success: true,
      status: 'succeeded',
      result: { a: 1 },
      stdout: 'now\nno end',
      stderr: 'careful\n',
    }));
    expect(await runFile([queued, value])).toMatchObject({
      code: 0,
      stdout: 'now\nno end\n{\n  "a": 1\n}\n',
      stderr: 'careful\n',
    });
  });

  it('goes on after the last event it saw when the connection breaks', async () => {
    const heads: unknown[] = [];
    const answers = [
      stream([{ event: 'log', id: '1-0', data: { stream: 'stdout', message: 'one' } }]),
      stream([
        { event: 'log', id: '2-0', data: { stream: 'stdout', message: 'two' } },
        { event: 'end', id: '3-0', data: {} },
      ]),
    ];
    log = (request, response, body) => {
      heads.push(request.headers['last-event-id']);
      answers.shift()?.(request, response, body);
    };
    expect(await runFile([queued, ended])).toMatchObject({ code: 0, stdout: 'one\ntwo\n' });
    expect(heads).toEqual([undefined, '1-0']);
  });

  it('outlives short absences of the API once it was accepted', async () => {
    expect(await runFile([queued, away, broken, ended])).toMatchObject({ code: 0, stdout: 'done\n' });
  });

  it('gives up in the end and prints the id', async () => {
    const { error } = await runFile([queued, away], { patienceMs: 0 });
    expect(error).toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/Redis is away.*; execution [\w-]{36} was accepted: http/),
    });
  });

  it('does not submit twice: it prints the id when the answer is lost', async () => {
    const { error } = await runFile([broken]);
    expect(asked).toHaveLength(1);
    expect(error).toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/broke.*; execution [\w-]{36} may have been accepted: http/),
    });
  });

  it('refuses answers that are not of this API', async () => {
    expect((await runFile([page])).error).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('check BIFROST_URL'),
    });
  });

  it('follows no redirect', async () => {
    expect((await runFile([moved])).error).toMatchObject({ exitCode: 3 });
    expect(asked).toHaveLength(1);
  });

  it('stops waiting when interrupted and prints the id', async () => {
    const controller = new AbortController();
    const never: Answer = () => controller.abort();
    const result = await runFile([queued, never], { interrupt: controller.signal });
    expect(result).toMatchObject({ code: 130, stdout: '' });
    expect(result.stderr).toMatch(/^interrupted; execution [\w-]{36} goes on: http\S+\n$/);
  });
});
