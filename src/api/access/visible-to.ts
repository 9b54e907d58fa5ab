import type { HistoryFilter } from '../../contract/history/fields.js';
import type { Caller } from '../../tenants/access/caller.js';

/** A filter of executions, narrowed to those that a caller may see. */
export const visibleTo = <T extends Omit<HistoryFilter, 'organizations'>>(
  caller: Caller | undefined,
  filter: T,
): T & Pick<HistoryFilter, 'organizations'> =>
  caller?.organizations ? { ...filter, organizations: caller.organizations } : filter;
