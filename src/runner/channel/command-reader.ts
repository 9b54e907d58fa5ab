import { Socket } from 'node:net';
import { COMMAND_FD } from '../../boundary/runner-protocol.js';
import { hideHandle } from './hidden-handles.js';
import { copyTo, OwnMemory } from './own-memory.js';
import { exit, inNextTurn, partOf, placeOf } from './primordials.js';

const LINE_FEED = 10;
const READ_BYTES = 65_536;

/**
 * Reads the worker's commands, into memory of its own that is cleared once a command is taken. While
 * referenced it keeps the event loop alive.
 */
export class CommandReader<Command extends { readonly type: string }> {
  private readonly ref: () => void;
  private readonly unref: () => void;
  /** What the system writes to; holds nothing between two reads. */
  private readonly incoming = new OwnMemory(READ_BYTES);
  /** The command that has not come as a whole. */
  private readonly pending = new OwnMemory(READ_BYTES);
  private length = 0;

  /**
   * @param read reads a command of its text
   * @param onCommand gets a command, and the text that it came as
   */
  constructor(
    private readonly read: (line: string) => Command,
    private readonly onCommand: (command: Command, line: string) => void,
  ) {
    const { bytes } = this.incoming;
    const socket = new Socket({
      fd: COMMAND_FD,
      readable: true,
      writable: false,
      onread: { buffer: bytes, callback: (count) => this.receive(count) },
    });
    hideHandle(socket);
    // Taken now: user code that patches the class of sockets later would get hold of this one.
    const { _handle: handle } = socket as unknown as { _handle: { ref(): void; unref(): void } };
    this.ref = handle.ref.bind(handle);
    this.unref = handle.unref.bind(handle);
    // The worker is gone, or wants this runner gone.
    socket.on('close', () => exit(0));
    // Without a listener it would not begin to read.
    socket.resume();
  }

  /** Lets the process end when user code has nothing left to do. */
  release(): void {
    this.unref();
  }

  /** Keeps the process alive again, for the next command. */
  hold(): void {
    this.ref();
  }

  private receive(count: number): boolean {
    const read = partOf(this.incoming.bytes, 0, count);
    let start = 0;
    for (let end = placeOf(read, LINE_FEED, 0); end >= 0; end = placeOf(read, LINE_FEED, start)) {
      this.take(start, end);
      start = end + 1;
    }
    if (start < count) this.keep(start, count);
    this.incoming.clear(count);
    return true;
  }

  private keep(start: number, end: number): void {
    const { pending, incoming } = this;
    while (pending.bytes.length < this.length + end - start) pending.grow();
    copyTo(pending.bytes, incoming.bytes, start, end, this.length);
    this.length += end - start;
  }

  /** The command that ends here; most come with one read. */
  private take(start: number, end: number): void {
    const text = this.length === 0 ? this.incoming.text(start, end) : this.joined(start, end);
    const command = this.read(text);
    if (command.type === 'execute') return this.onCommand(command, text);
    // Code that listens to its signal would run inside the read, where Node shows it what is read from.
    inNextTurn(() => this.onCommand(command, text));
  }

  private joined(start: number, end: number): string {
    this.keep(start, end);
    const text = this.pending.text(0, this.length);
    this.pending.clear(this.length);
    this.length = 0;
    return text;
  }
}
