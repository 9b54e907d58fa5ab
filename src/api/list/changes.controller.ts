import { Readable } from 'node:stream';
import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Change } from '../../contract/api/changes.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller, mayReach } from '../../tenants/access/caller.js';
import { Ownership } from '../access/ownership.service.js';
import { invalid } from '../executions/requests.js';
import { eventStream } from '../http/event-stream.js';
import { CURSOR } from '../logs/logs-requests.js';
import { ChangeFeed } from './change-feed.js';
import { type ChangesQuery, changesQuerySchema } from './list-requests.js';

/** What happens to executions, while it happens. */
@ApiTags('executions')
@Controller('executions')
export class ChangesController {
  constructor(
    private readonly feed: ChangeFeed,
    private readonly ownership: Ownership,
  ) {}

  /** Server-Sent Events, without an end: from now on, or after `Last-Event-ID`. */
  @Get('events')
  @Access('read', 'own')
  @ApiOperation({
    operationId: 'followExecutions',
    summary: 'What happens to executions, as Server-Sent Events',
  })
  @ApiHeader({
    name: 'last-event-id',
    required: false,
    description: 'The event after which to go on; a gap event follows where later ones are lost',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'Events of the schema Change', schema: { type: 'string' } })
  events(
    @CalledBy() caller: Caller,
    @Query({ schema: changesQuerySchema }) { type, after }: ChangesQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    if (lastEventId !== undefined && !CURSOR.test(lastEventId))
      throw invalid([{ field: 'Last-Event-ID', message: 'must be the id of an event of this stream' }]);
    this.feed.refuseTooMany();
    const gone = new AbortController();
    // On the response: the request's own "close" comes as soon as its body was read.
    reply.raw.once('close', () => gone.abort());
    const all = this.feed.follow(lastEventId ?? after ?? null, gone.signal);
    const changes = only(type, this.visible(caller, all));
    void reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(Readable.from(eventStream(changes), { highWaterMark: 1 }));
  }

  /** Those of executions that the caller may see. Where that cannot be found out, the reader sees a gap. */
  private async *visible(
    caller: Caller,
    batches: AsyncIterable<readonly Change[]>,
  ): AsyncGenerator<readonly Change[]> {
    for await (const batch of batches)
      yield caller.organizations === null
        ? batch
        : (await Promise.all(batch.map((change) => this.visibleChange(caller, change)))).filter(
            (one) => one !== null,
          );
  }

  private async visibleChange(caller: Caller, change: Change): Promise<Change | null> {
    if (change.type === 'gap') return change;
    try {
      return mayReach(caller, await this.ownership.ofEvent(change.execution_id)) ? change : null;
    } catch {
      return { type: 'gap', id: change.id, at: change.at };
    }
  }
}

/** A gap concerns every reader. */
async function* only(
  types: readonly string[] | undefined,
  batches: AsyncIterable<readonly Change[]>,
): AsyncGenerator<readonly Change[]> {
  for await (const batch of batches)
    yield types ? batch.filter(({ type }) => type === 'gap' || types.includes(type)) : batch;
}
