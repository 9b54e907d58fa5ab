import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { again, type AgainOptions } from './again.js';

let server: Server | undefined;
afterEach(() => void server?.close());

/** Answers with these documents, one after the other, and keeps what was asked. */
async function run(id: string | undefined, options: AgainOptions, answers: object[]) {
  const asked: { path: string; body: unknown }[] = [];
  server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push({ path: request.url as string, body: JSON.parse(body) as unknown });
      response
        .writeHead(202, { 'content-type': 'application/json' })
        .end(JSON.stringify(answers[asked.length - 1]));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await again(id, options, { access: { url, token: undefined }, output: { stdout, stderr } });
  stdout.end();
  stderr.end();
  return { code, asked, stdout: await text(stdout), stderr: await text(stderr) };
}

describe('bifrost again', () => {
  it('has one execution run again, and prints the id of the new one', async () => {
    const answer = { execution_id: 'new', status: 'queued', again_of: 'a/b' };
    const { code, asked, stdout } = await run('a/b', { current: true, secret: ['k=v=w'] }, [answer]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'new\n' });
    expect(asked).toEqual([
      { path: '/executions/a%2Fb/again', body: { workspace: 'current', secrets: { k: 'v=w' } } },
    ]);
  });

  it('lists what filters find, page by page, and runs nothing without --yes', async () => {
    const { code, asked, stdout, stderr } = await run(undefined, { status: 'failed' }, [
      { executions: [{ status: 'found', again_of: 'a' }], next_cursor: 'c' },
      { executions: [{ status: 'found', again_of: 'b' }], next_cursor: null },
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'a\nb\n' });
    expect(stderr).toContain('2 executions');
    const body = { filter: { status: 'failed' }, dry_run: true, workspace: 'same' };
    expect(asked.map((one) => one.body)).toEqual([body, { ...body, cursor: 'c' }]);
  });

  it('ends with 1 when some were refused, and says why', async () => {
    const { code, asked, stdout } = await run(undefined, { status: 'failed', yes: true }, [
      {
        executions: [
          { status: 'queued', again_of: 'a', execution_id: 'n' },
          { status: 'refused', again_of: 'b', detail: 'why' },
        ],
        next_cursor: null,
      },
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'a -> n\nb: why\n' });
    expect(asked[0]?.body).toMatchObject({ dry_run: false });
  });

  it.each([
    [undefined, {}],
    ['a', { status: 'failed' }],
    ['a', { secret: ['=x'] }],
  ])('refuses %s with %j', async (id, options) => {
    await expect(run(id, options, [])).rejects.toThrow(/filters|name=value/);
  });
});
