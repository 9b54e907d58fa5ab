import type { Params } from 'nestjs-pino';
import { destination, type DestinationStream } from 'pino';
import type { Settings } from './settings.js';

/**
 * Structured logs: JSON lines, or pretty in a terminal. Requests are not logged: probes and polls
 * would drown the rest; what requests cause is logged where it happens.
 */
export function loggingParams(settings: Settings): Params {
  return {
    pinoHttp: {
      level: settings.LOG_LEVEL,
      base: { workerId: settings.WORKER_ID },
      autoLogging: false,
      quietReqLogger: true,
      ...(isPretty(settings)
        ? {
            transport: {
              target: 'pino-pretty',
              options: { singleLine: true, ignore: 'pid,hostname,workerId,context' },
            },
          }
        : { stream: standardOutput() }),
    },
  };
}

/** How long the lines of a busy worker are collected: each write is a system call. */
const GATHER_MS = 20;
const GATHER_BYTES = 8_192;

let output: DestinationStream | null = null;

/** Writes a line at once, those that follow closely together, and what is left when the process ends. */
function standardOutput(): DestinationStream {
  if (output) return output;
  const stdout = destination({ fd: 1, sync: true, minLength: GATHER_BYTES });
  let timer: NodeJS.Timeout | null = null;
  let waiting = false;
  const pause = (): void => {
    timer = setTimeout(() => {
      timer = null;
      if (waiting) flush();
    }, GATHER_MS).unref();
  };
  const flush = (): void => {
    waiting = false;
    stdout.flushSync();
    if (timer === null) pause();
  };
  process.once('exit', () => stdout.flushSync());
  output = {
    write(line: string): void {
      stdout.write(line);
      waiting = true;
      if (timer === null) flush();
    },
  };
  return output;
}

/** Whether a person reads the log. */
export const isPretty = ({ LOG_FORMAT }: Settings): boolean =>
  LOG_FORMAT === 'pretty' || (LOG_FORMAT === 'auto' && process.stdout.isTTY);
