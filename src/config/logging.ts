import type { Params } from 'nestjs-pino';
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
        : {}),
    },
  };
}

/** Whether a person reads the log. */
export const isPretty = ({ LOG_FORMAT }: Settings): boolean =>
  LOG_FORMAT === 'pretty' || (LOG_FORMAT === 'auto' && process.stdout.isTTY);
