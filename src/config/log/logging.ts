import type { Params } from 'nestjs-pino';
import type { DestinationStream } from 'pino';
import { isoTime } from '../../lib/text/iso-time.js';
import { LogOutput, writeStandardOutput } from './log-output.js';
import type { Settings } from '../settings.js';

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
        : {
            stream: standardOutput(settings.WORKER_ID),
            timestamp: () => `,"time":"${isoTime(Date.now())}"`,
            formatters: { level: (level: string) => ({ level }) },
          }),
    },
  };
}

let output: DestinationStream | null = null;

/** One for the process, whose last lines are written when it ends. */
function standardOutput(workerId: string): DestinationStream {
  if (output) return output;
  const lines = new LogOutput(writeStandardOutput(), (count) =>
    JSON.stringify({
      level: 'warn',
      time: new Date().toISOString(),
      workerId,
      msg: `${count} lines of the log are lost: they could not be written`,
    }),
  );
  process.once('exit', () => lines.finish());
  output = lines;
  return output;
}

/** Whether a person reads the log. */
export const isPretty = ({ LOG_FORMAT }: Settings): boolean =>
  LOG_FORMAT === 'pretty' || (LOG_FORMAT === 'auto' && process.stdout.isTTY);
