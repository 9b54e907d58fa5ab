import { Injectable } from '@nestjs/common';
import { ArchiveReader } from '../../archive/read/archive-reader.js';
import { placeOf } from '../../archive/read/cursor.js';
import { inBatches } from '../../lib/in-batches.js';
import { visibleTo } from '../access/visible-to.js';
import type { SubmissionHeaders } from '../executions/submission.service.js';
import { withinArchive } from '../history/archive-bound.js';
import { ProblemException } from '../http/problem.js';
import { listCursorOf } from '../list/list-cursor.js';
import type { BulkAgainRequest, BulkAgainView } from './again-requests.js';
import { AgainService } from './again.service.js';

type Entry = BulkAgainView['executions'][number];

/** Executions that are looked up and submitted at once. */
const AT_ONCE = 20;

/** Has executions of the history run again, all that a filter finds. */
@Injectable()
export class BulkAgainService {
  constructor(
    private readonly archive: ArchiveReader,
    private readonly again: AgainService,
  ) {}

  /** @throws {ProblemException} 503 when the history or Redis does not answer; those before are queued then. */
  async runAgain(request: BulkAgainRequest, headers: SubmissionHeaders): Promise<BulkAgainView> {
    const { filter, dry_run, limit, cursor, ...how } = request;
    const visible = visibleTo(headers.caller, filter);
    const page = await withinArchive(this.archive.list(visible, limit, cursor?.after ?? null));
    // An execution has a row for each of its runs.
    const ids = [...new Set(page.executions.map(({ execution_id: id }) => id))];
    const executions = await inBatches(ids, AT_ONCE, async (id): Promise<Entry> => {
      if (dry_run) return { status: 'found', again_of: id };
      const { caller, traceparent, idempotencyKey: key } = headers;
      try {
        const own = { caller, traceparent, idempotencyKey: key && `${key}#${id}` };
        const { id: again, status } = await this.again.runAgain(id, how, own);
        return { status, again_of: id, execution_id: again };
      } catch (error) {
        if (!(error instanceof ProblemException) || error.kind === 'unavailable') throw error;
        return { status: 'refused', again_of: id, detail: error.detail, errors: [...error.errors] };
      }
    });
    const after = page.next_cursor === null ? null : placeOf(page.next_cursor);
    return { dry_run, executions, next_cursor: after && listCursorOf({ queue: null, ended: { after } }) };
  }
}
