import type { Command } from 'commander';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** What a command of the API is given. */
interface CommandIo {
  access: { url: string; token: undefined };
  output: { stdout: PassThrough; stderr: PassThrough };
  input: Readable;
}

/**
 * Runs a command line against an API that answers with these documents, one after the other.
 * @param program with the commands, which take their io and report their exit code by the two functions
 */
export async function runAnswered(
  program: (io: () => CommandIo, exit: (code: number) => void) => Command,
  args: readonly string[],
  answers: readonly object[],
) {
  const asked: { call: string; body: unknown }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push({ call: `${request.method} ${request.url}`, body: body === '' ? null : JSON.parse(body) });
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(answers[asked.length - 1]));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = () => ({
    access: { url, token: undefined },
    output: { stdout, stderr },
    input: Readable.from([Buffer.from('from standard input\n')]),
  });
  let code: number | undefined;
  try {
    const command = program(io, (given) => void (code = given));
    await command.parseAsync(args, { from: 'user' });
  } finally {
    server.close();
    stdout.end();
    stderr.end();
  }
  return { code, asked, stdout: await text(stdout), stderr: await text(stderr) };
}
