/**
 * Entry point of one thread of a thread host: as process.ts, but commands and frames go through the
 * host's main thread.
 */
import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import type { ModuleReply } from '../../boundary/module-protocol.js';
import { deliverBy } from '../channel/channel.js';
import { ReceivedCommands } from '../channel/received-commands.js';
import { Executions } from '../user/execution.js';
import { hideHandle } from '../channel/hidden-handles.js';
import { receiveRepliesBy } from '../modules/module-requests.js';
import { loadGlobals } from '../reuse/lazy-globals.js';
import { cpuUsage, round, wait } from '../channel/primordials.js';
import { guardProcess } from './guard-process.js';
import {
  IN_FLIGHT,
  IN_FLIGHT_LIMIT_CHARS,
  REPLIES,
  STARTED,
  STARTED_SYSTEM_MS,
  STARTED_USER_MS,
  type ThreadLink,
} from './thread-link.js';

(parentPort as MessagePort).once(
  'message',
  ({ commands, frames, replies, counters, isReused }: ThreadLink) => {
    for (const port of [commands, frames, replies]) hideHandle(port);
    // Taken now, as in primordials.ts: user code that patches the class of ports later would get hold of these.
    const post = frames.postMessage.bind(frames) as (lines: string) => void;
    const ref = commands.ref.bind(commands);
    const unref = commands.unref.bind(commands);
    const receive = receiveMessageOnPort;
    const { add, load, store } = Atomics;
    let seen = 0;
    deliverBy((lines) => {
      // A fast printer waits for the host, as a process waits for its pipe.
      for (let held = load(counters, IN_FLIGHT); held > IN_FLIGHT_LIMIT_CHARS;) {
        wait(counters, IN_FLIGHT, held);
        held = load(counters, IN_FLIGHT);
      }
      add(counters, IN_FLIGHT, lines.length);
      post(lines);
    });
    receiveRepliesBy(() => {
      wait(counters, REPLIES, seen);
      seen += 1;
      const received = receive(replies) as { message: ModuleReply };
      return received.message;
    });
    const executions = new Executions({ hold: ref, release: unref });
    let scratch = '';
    guardProcess(() => scratch, null);
    if (isReused) {
      loadGlobals();
      executions.prepareToKeep();
    }
    const { read } = new ReceivedCommands();
    commands.on('message', (line: string) => {
      const command = read(line);
      if (command.type === 'execute') {
        scratch = command.scratch;
        const { user, system } = cpuUsage();
        store(counters, STARTED_USER_MS, round(user / 1000));
        store(counters, STARTED_SYSTEM_MS, round(system / 1000));
        add(counters, STARTED, 1);
      }
      executions.handle(command);
    });
  },
);
