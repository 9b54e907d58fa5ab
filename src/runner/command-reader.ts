import { Socket } from 'node:net';
import { COMMAND_FD, type RunnerCommand } from '../contract/runner-protocol.js';
import { exit, parse } from './primordials.js';

/** Reads the worker's commands. While referenced it keeps the event loop alive. */
export class CommandReader {
  private readonly socket = new Socket({ fd: COMMAND_FD, readable: true, writable: false });
  private pending: Buffer[] = [];

  constructor(private readonly onCommand: (command: RunnerCommand) => void) {
    this.socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // The worker is gone, or wants this runner gone.
    this.socket.on('close', () => exit(0));
  }

  /** Lets the process end when user code has nothing left to do. */
  release(): void {
    this.socket.unref();
  }

  /** Keeps the process alive again, for the next command. */
  hold(): void {
    this.socket.ref();
  }

  private receive(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.pending.push(chunk.subarray(start, end));
      const line = Buffer.concat(this.pending).toString('utf8');
      this.pending = [];
      start = end + 1;
      this.onCommand(parse(line) as RunnerCommand);
    }
    if (start < chunk.length) this.pending.push(chunk.subarray(start));
  }
}
