import { Injectable } from '@nestjs/common';
import { Logger } from 'nestjs-pino';

/** What Nest says of its own start: which modules and routes there are. */
const FRAMEWORK = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** The application's logger. Nest's messages about itself are logged at debug. */
@Injectable()
export class WorkerLogger extends Logger {
  override log(message: unknown, ...optional: unknown[]): void {
    if (FRAMEWORK.has(String(optional.at(-1)))) this.debug(message, ...optional);
    else super.log(message, ...optional);
  }
}
