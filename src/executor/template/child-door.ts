import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOKEN_BYTES } from './control-messages.js';

const GREETING_BYTES = TOKEN_BYTES + 1;
/** A child greets at once; whatever else connects is none. */
const GREETING_MS = 5_000;
const BACKLOG = 512;

const STDERR_FD = 2;
/** How long last words are waited for, and between two looks. */
const [WORDS_MS, WORDS_STEP_MS] = [250, 5];

/** A child whose connections have not all come. */
interface Guest {
  connections: Map<number, Socket>;
  numbers: readonly number[];
  arrived: (connections: ReadonlyMap<number, Socket>) => void;
}

/** The connections of one child, by their descriptors in it. */
export interface ExpectedGuest {
  token: Buffer;
  arrived: Promise<ReadonlyMap<number, Socket>>;
  /** What it wrote to its standard error before its end, which may be noticed before its connections; '' for nothing. */
  lastWords(): Promise<string>;
  /** It is not taken. */
  dismiss(): void;
}

/**
 * The socket to which the children of one template connect, each with a token of its own: so the template never
 * holds a descriptor of a child. In a folder that only the worker's user may enter; a child takes the socket
 * out of its own sight before it is sealed, and user code may use no Unix sockets anyway.
 */
export class ChildDoor {
  private readonly guests = new Map<string, Guest>();
  private readonly server: Server;
  private readonly strangers = new Set<Socket>();

  private constructor(
    private readonly folder: string,
    readonly path: string,
  ) {
    this.server = createServer((connection) => this.greet(connection));
  }

  /** @throws what the system says, for a path that is too long for a socket too. */
  static async open(parent: string): Promise<ChildDoor> {
    const folder = await mkdtemp(join(parent, 'door-'));
    await chmod(folder, 0o700);
    const door = new ChildDoor(folder, join(folder, 's'));
    try {
      door.server.listen({ path: door.path, backlog: BACKLOG });
      await once(door.server, 'listening');
      door.server.unref();
      return door;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** A child that will connect for each of these descriptors. */
  expect(numbers: readonly number[]): ExpectedGuest {
    // 122 random bits, which Node draws ahead.
    const token = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
    const key = token.toString('latin1');
    const { promise: arrived, resolve } = Promise.withResolvers<ReadonlyMap<number, Socket>>();
    const guest = { connections: new Map<number, Socket>(), numbers, arrived: resolve };
    this.guests.set(key, guest);
    const dismiss = (): void => {
      this.guests.delete(key);
      destroyAll(guest);
    };
    return { token, arrived, lastWords: () => lastWordsOf(guest), dismiss };
  }

  async close(): Promise<void> {
    this.server.close();
    for (const guest of this.guests.values()) destroyAll(guest);
    this.guests.clear();
    for (const connection of this.strangers) connection.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }

  private greet(connection: Socket): void {
    this.strangers.add(connection);
    connection.on('error', () => undefined);
    const late = setTimeout(() => connection.destroy(), GREETING_MS).unref();
    const read = (): void => {
      const greeting = connection.read(GREETING_BYTES) as Buffer | null;
      if (greeting === null) return;
      connection.off('readable', read);
      this.strangers.delete(connection);
      clearTimeout(late);
      if (greeting.length === GREETING_BYTES) this.admit(connection, greeting);
      else connection.destroy();
    };
    connection.on('readable', read);
    connection.once('close', () => this.strangers.delete(connection));
  }

  private admit(connection: Socket, greeting: Buffer): void {
    const key = greeting.toString('latin1', 0, TOKEN_BYTES);
    const number = greeting[TOKEN_BYTES] as number;
    const guest = this.guests.get(key);
    if (!guest?.numbers.includes(number) || guest.connections.has(number)) {
      connection.destroy();
      return;
    }
    guest.connections.set(number, connection);
    if (guest.connections.size < guest.numbers.length) return;
    this.guests.delete(key);
    guest.arrived(guest.connections);
  }
}

function destroyAll({ connections }: Guest): void {
  for (const connection of connections.values()) connection.destroy();
}

const lastWordsOf = ({ connections }: Guest): Promise<string> =>
  untilWords(() => {
    const words = connections.get(STDERR_FD)?.read() as Buffer | null | undefined;
    return words?.toString().trim() ?? '';
  });

/** What a process that has ended wrote last, which on a crowded machine is there a little later; '' for nothing. */
export async function untilWords(look: () => string): Promise<string> {
  for (let waitedMs = 0; waitedMs < WORDS_MS; waitedMs += WORDS_STEP_MS) {
    const words = look();
    if (words !== '') return words;
    await sleep(WORDS_STEP_MS);
  }
  return look();
}
