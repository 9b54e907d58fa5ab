import { constants, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';

// The program of the embedded database: a process of its own, because a query in WebAssembly would stop
// the event loop of a worker. It serves one data folder to Postgres clients, over a socket that only its
// user can open, and ends when its standard input does, that is, with the process that started it.
//
// Started as: node embedded-server.js DATA_DIR SOCKET_DIR LOCK_FILE
//
// PGlite is one session of one client. Clients share it by turns: a turn lasts from the first message of
// a query to its last, and in a transaction until that has ended. (pglite-socket lets another client in
// between the messages of a query, where it overwrites the unnamed prepared statement.) One file: tests
// run it from its source, as Node runs TypeScript.

/** EX_TEMPFAIL: another process holds the data folder. */
const LOCKED = 75;
/** BSD and macOS lock a file while they open it; on Linux the shell that starts us has done it, with flock. */
const O_EXLOCK = 0x20;
/** A client that holds its turn this long without sending anything loses it, because it blocks all others. */
const IDLE_IN_TURN_MS = 60_000;
const CLOSE_TIMEOUT_MS = 5_000;
/** Requests that come before a session has begun, by the number in place of a protocol version. */
const CANCEL_REQUEST = 80_877_102;
const ENCRYPTION_REQUESTS = new Set([80_877_103, 80_877_104]);
/** Those of files; https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#-errno-variant */
const WASI_CODES = new Map([
  [2, 'EACCES'],
  [19, 'EDQUOT'],
  [22, 'EFBIG'],
  [29, 'EIO'],
  [33, 'EMFILE'],
  [41, 'ENFILE'],
  [44, 'ENOENT'],
  [51, 'ENOSPC'],
  [63, 'EPERM'],
  [69, 'EROFS'],
]);
const SYNC = Uint8Array.of(0x53, 0, 0, 0, 4);

const [dataDir, socketDir, lockFile] = process.argv.slice(2) as [string, string, string];
if (process.platform === 'darwin') lockOrExit();
const database = await PGlite.create({ dataDir, extensions: { pg_trgm } }).catch(failStart);
const sessions = new Set<Socket>();
/** Settles when the turn that was asked for last has ended. */
let lastTurn: Promise<unknown> = Promise.resolve();

const path = join(socketDir, '.s.PGSQL.5432');
await rm(path, { force: true });
const server = createServer((socket) => {
  sessions.add(socket);
  socket.on('error', () => undefined);
  serve(socket)
    .catch((error: NodeJS.ErrnoException) => {
      // A client that has left, as a worker does that ends.
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE')
        process.stderr.write(`embedded database: ${error.stack}\n`);
    })
    .finally(() => {
      sessions.delete(socket);
      socket.destroy();
    });
});
server.listen(path, () => process.stdout.write('ready\n'));

process.stdin.resume();
process.stdin.once('end', end);
process.stdin.once('error', end);
process.once('SIGTERM', end);

/** Reports to the process that started this one why there will be no database. */
function failStart(error: unknown): never {
  // At once: the end of the process does not wait for a stream.
  writeSync(1, `failed ${reasonOf(error)}\n`);
  process.exit(1);
}

/** What fails below WebAssembly has a number of WASI and no message. */
function reasonOf(error: unknown): string {
  const { errno, message, name } = (error ?? {}) as { errno?: unknown; message?: unknown; name?: unknown };
  const code = typeof errno === 'number' ? WASI_CODES.get(errno) : undefined;
  if (code !== undefined) {
    const [, text] = [...getSystemErrorMap().values()].find(([one]) => one === code) ?? [];
    return text === undefined ? code : `${code}: ${text}`;
  }
  return typeof message === 'string' && message !== '' ? message : `${String(name)} ${String(errno)}`;
}

/** Answers one client until it leaves. */
async function serve(socket: Socket): Promise<void> {
  let endTurn: (() => void) | null = null;
  let status = '';
  const answer = (data: Uint8Array): void => {
    status = statusIn(data) ?? '';
    socket.write(data);
  };
  socket.setTimeout(0, () => endTurn && socket.destroy());
  try {
    for await (const message of messagesOf(socket)) {
      endTurn ??= await takeTurn(socket);
      await database.execProtocolRawStream(message, { onRawData: answer });
      // Idle: neither inside a query nor in a transaction.
      if (status === 'I') {
        endTurn();
        endTurn = null;
        socket.setTimeout(0);
      } else socket.setTimeout(IDLE_IN_TURN_MS);
      status = '';
    }
  } finally {
    if (endTurn) {
      // What the client left half done is not the next one's.
      await database.execProtocolRawStream(SYNC, { onRawData: () => undefined });
      await database.exec('ROLLBACK').catch(() => undefined);
      endTurn();
    }
  }
}

/** Resolves with what ends the turn. */
async function takeTurn(socket: Socket): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = lastTurn;
  lastTurn = promise;
  await before;
  if (socket.destroyed) {
    resolve();
    throw new Error('a client left before its turn');
  }
  return resolve;
}

/** The messages of a client, each complete; https://www.postgresql.org/docs/current/protocol-message-formats.html */
async function* messagesOf(socket: Socket): AsyncGenerator<Uint8Array> {
  let chunks: Buffer[] = [];
  let size = 0;
  let wanted = 4;
  let begun = false;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size < wanted) continue;
    let buffer = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    for (;;) {
      const header = begun ? 1 : 0;
      if (buffer.length < header + 4) {
        wanted = header + 4;
        break;
      }
      wanted = header + buffer.readUInt32BE(header);
      if (buffer.length < wanted) break;
      const message = buffer.subarray(0, wanted);
      buffer = buffer.subarray(wanted);
      if (begun) {
        if (message[0] === 0x58) return; // Terminate
        yield new Uint8Array(message);
        continue;
      }
      const code = message.readUInt32BE(4);
      if (code === CANCEL_REQUEST) return;
      if (ENCRYPTION_REQUESTS.has(code)) {
        socket.write('N');
        continue;
      }
      begun = true;
      yield new Uint8Array(message);
    }
    chunks = [buffer];
    size = buffer.length;
  }
}

/** The status that an answer ends with, if it ends with ReadyForQuery: I(dle), T(ransaction) or E(rror in one). */
function statusIn(data: Uint8Array): string | null {
  const at = data.length - 6;
  return at >= 0 && data[at] === 0x5a && data[at + 4] === 5
    ? String.fromCharCode(data[at + 5] as number)
    : null;
}

function end(): void {
  // What is committed is in its write-ahead log: an end that takes too long may be cut short.
  setTimeout(() => process.exit(0), CLOSE_TIMEOUT_MS).unref();
  server.close();
  for (const socket of sessions) socket.destroy();
  void lastTurn.then(() => database.close()).finally(() => process.exit(0));
}

/** The descriptor stays open, and so the lock held, until this process ends. */
function lockOrExit(): void {
  try {
    openSync(lockFile, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK);
  } catch {
    process.exit(LOCKED);
  }
}
