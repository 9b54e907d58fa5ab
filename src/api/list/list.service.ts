import { Injectable } from '@nestjs/common';
import { DatabaseAwayError } from '../../archive/archive-database.js';
import { ArchiveReader } from '../../archive/read/archive-reader.js';
import { placeOf } from '../../archive/read/cursor.js';
import type { HistoryPage } from '../../contract/history.js';
import type { HistoryFilter } from '../../contract/history/fields.js';
import { type ListedExecution, type Listing, OPEN_STATUSES } from '../../contract/api/listing.js';
import { EXECUTION_STATUSES } from '../../contract/result.js';
import { withinArchive } from '../history/archive-bound.js';
import { withinSearch } from '../http/redis-bound.js';
import { type ListPosition, listCursorOf } from './list-cursor.js';
import type { ListQuery } from './list-requests.js';
import { OpenExecutions } from './open-executions.service.js';

const BEGINNING: ListPosition = { queue: { place: 'active', after: null }, ended: { after: null } };

/**
 * The one list of executions: from the queue those that have not ended, from the history those that have. A page holds
 * what is left of the queue, as far as it looks, and is filled up from the history.
 */
@Injectable()
export class ListService {
  constructor(
    private readonly open: OpenExecutions,
    private readonly archive: ArchiveReader,
  ) {}

  /** @throws {ProblemException} 503 when Redis does not answer, or only the history is asked for and that does not. */
  async list({
    limit,
    cursor = BEGINNING,
    status,
    ...filter
  }: ListQuery & Pick<HistoryFilter, 'organizations'>): Promise<Listing> {
    const startedAt = new Date().toISOString();
    const wanted = status ?? [...OPEN_STATUSES, ...EXECUTION_STATUSES];
    const statuses = OPEN_STATUSES.filter((one) => wanted.includes(one));
    const queue =
      cursor.queue === null || statuses.length === 0
        ? { executions: [], next: null }
        : await withinSearch(this.open.list({ statuses, filter, limit }, cursor.queue));
    const ended = await this.listEnded(
      { ...filter, ...endedFilter(wanted) },
      limit - queue.executions.length,
      EXECUTION_STATUSES.some((one) => wanted.includes(one)) ? cursor.ended : null,
      statuses.length > 0,
    );
    // One that has ended since it was found in the queue is listed once.
    const ids = new Set(queue.executions.map(({ execution_id: id }) => id));
    const news = ended.executions.filter(
      (one) => !ids.has(one.execution_id) || one.finished_at < startedAt,
    ) as ListedExecution[];
    const next = { queue: queue.next, ended: ended.next };
    return {
      executions: [...queue.executions, ...news],
      next_cursor: next.queue || next.ended ? listCursorOf(next) : null,
      history_away: ended.away,
    };
  }

  /** @param mayBeAway the rest of the page is worth having without the history */
  private async listEnded(
    filter: HistoryFilter,
    limit: number,
    from: ListPosition['ended'],
    mayBeAway: boolean,
  ): Promise<Pick<HistoryPage, 'executions'> & { next: ListPosition['ended']; away: string | null }> {
    if (from === null || limit === 0) return { executions: [], next: from, away: null };
    try {
      const page = await this.archive.list(filter, limit, from.after);
      const after = page.next_cursor === null ? null : placeOf(page.next_cursor);
      return { executions: page.executions, next: after && { after }, away: null };
    } catch (error) {
      if (mayBeAway && error instanceof DatabaseAwayError)
        return { executions: [], next: null, away: error.message };
      return await withinArchive(Promise.reject(error as Error));
    }
  }
}

/** No condition where every status is asked for. */
function endedFilter(wanted: readonly string[]): Pick<HistoryFilter, 'status'> {
  const status = EXECUTION_STATUSES.filter((one) => wanted.includes(one));
  return status.length === EXECUTION_STATUSES.length ? {} : { status };
}
