import { Readable } from 'node:stream';
import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import {
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { type LogEvent, logEventsOf } from '../../contract/log-stream.js';
import { LogStore } from '../../results/logs/log-store.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { ExecutionLookup } from '../executions/execution-lookup.service.js';
import { unknownExecution } from '../executions/executions.controller.js';
import { LogFollower } from './log-follower.service.js';
import { LogReaders } from './log-readers.js';
import { eventStream } from '../http/event-stream.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { type IdPath, idPathSchema, invalid } from '../executions/requests.js';
import { CURSOR, type LogsQuery, logsQuerySchema, type LogsView, logsViewSchema } from './logs-requests.js';

/** What an execution or task prints and how far it is, while it runs and afterwards. */
@ApiTags('executions')
@Controller('executions')
export class LogsController {
  constructor(
    private readonly store: LogStore,
    private readonly lookup: ExecutionLookup,
    private readonly follower: LogFollower,
    private readonly readers: LogReaders,
  ) {}

  /**
   * With `accept: text/event-stream` Server-Sent Events, from the beginning or after `Last-Event-ID`, until
   * the end event; 204 where that was seen already, 503 above LOG_READERS_LIMIT. Otherwise a page of what is there.
   */
  @Get(':id/logs')
  @Access('read', 'execution')
  @ApiOperation({
    operationId: 'getExecutionLogs',
    summary: 'What an execution prints, while it runs and afterwards',
  })
  @ApiHeader({
    name: 'last-event-id',
    required: false,
    description: 'With text/event-stream: the event after which to go on',
  })
  @ApiOkResponse({ standardSchema: logsViewSchema })
  @ApiNoContentResponse({ description: 'The end was seen already' })
  @ApiProduces('application/json', 'text/event-stream')
  async logs(
    @Param({ schema: idPathSchema }) { id }: IdPath,
    @Query({ schema: logsQuerySchema }) { after, limit }: LogsQuery,
    @Headers('accept') accept: string | undefined,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (!/\btext\/event-stream\b/i.test(accept ?? '')) {
      void reply.send(await this.page(id, after ?? null, limit));
      return;
    }
    if (lastEventId !== undefined && !CURSOR.test(lastEventId)) {
      throw invalid([{ field: 'Last-Event-ID', message: 'must be the id of an event of this stream' }]);
    }
    await this.stream(id, lastEventId ?? after ?? null, reply);
  }

  private async stream(id: string, after: string | null, reply: FastifyReply): Promise<void> {
    if (!(await withinRedisLimit(this.store.exists(id)))) await this.requireKnown(id);
    else if (after !== null && (await withinRedisLimit(this.store.find(id, after)))?.type === 'end') {
      // So a browser's EventSource stops asking.
      void reply.status(204).send();
      return;
    }
    if (reply.raw.destroyed) return;
    const leave = this.readers.enter(id);
    const gone = new AbortController();
    // On the response: the request's own "close" comes as soon as its body was read.
    reply.raw.once('close', () => {
      gone.abort();
      leave();
    });
    const batches = this.follower.follow(id, after, gone.signal);
    void reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(Readable.from(eventStream(batches), { highWaterMark: 1 }));
  }

  private async page(id: string, after: string | null, limit: number): Promise<LogsView> {
    const { events, last } = await withinRedisLimit(this.store.read(id, after, limit));
    if (last !== null) return viewOf(id, events, last);
    if (await withinRedisLimit(this.store.exists(id))) {
      const ended = after !== null && (await withinRedisLimit(this.store.find(id, after)))?.type === 'end';
      return { execution_id: id, entries: [], next: after, ended };
    }
    const progress = await this.requireKnown(id);
    if (progress.state !== 'ended') return { execution_id: id, entries: [], next: after, ended: false };
    // All of its log may have come with its end, since it was read.
    const whole = await withinRedisLimit(this.store.read(id, after, limit));
    if (whole.last !== null) return viewOf(id, whole.events, whole.last);
    return viewOf(id, after === null ? logEventsOf(progress.result) : [], null, true);
  }

  private async requireKnown(id: string) {
    const progress = await this.lookup.find(id);
    if (progress.state === 'unknown') throw unknownExecution(id);
    return progress;
  }
}

const viewOf = (
  id: string,
  entries: LogEvent[],
  next: string | null,
  ended = entries.at(-1)?.type === 'end',
): LogsView => ({ execution_id: id, entries, next, ended });
