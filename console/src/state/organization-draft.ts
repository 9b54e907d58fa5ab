import type { Organization, QuotaAction, QuotaName } from '../api/tenants.js';
import { numberIn, optionalNumber } from './draft-fields.js';

export const QUOTAS: readonly (readonly [QuotaName, string])[] = [
  ['executions', 'Executions a day'],
  ['cpu_seconds', 'CPU seconds a day'],
  ['network_bytes', 'Network bytes a day'],
  ['artifact_bytes', 'Artifact bytes a day'],
];

/** An organization as it is in the form: every field is text that a person writes. */
export interface OrganizationDraft {
  id: string;
  weight: string;
  maxRunning: string;
  rate: string;
  perSeconds: string;
  quotas: Record<QuotaName, { limit: string; action: QuotaAction }>;
}

const textOf = (value: number | null | undefined): string => (value == null ? '' : String(value));

/** What the form begins with. Pure. */
export function draftOf(former: Organization | undefined): OrganizationDraft {
  const quotas = Object.fromEntries(
    QUOTAS.map(([name]) => {
      const quota = former?.quotas[name];
      return [name, { limit: textOf(quota?.limit), action: quota?.action ?? 'refuse' }];
    }),
  ) as OrganizationDraft['quotas'];
  return {
    id: former?.id ?? '',
    weight: String(former?.weight ?? 1),
    maxRunning: textOf(former?.max_running),
    rate: textOf(former?.rate?.executions),
    perSeconds: textOf(former?.rate?.per_seconds),
    quotas,
  };
}

/**
 * The body of `PUT /organizations/:id`; limits of single workflows and executions, for which there are no fields, stay
 * as they are. Pure.
 * @throws {DraftError} saying what to change
 */
export function requestOf(draft: OrganizationDraft, former: Organization | undefined): object {
  const quotas = QUOTAS.flatMap(([name, label]) => {
    const limit = optionalNumber(draft.quotas[name].limit, label);
    return limit === null ? [] : [[name, { limit, action: draft.quotas[name].action }]];
  });
  const rate = optionalNumber(draft.rate, 'How many start');
  return {
    weight: optionalNumber(draft.weight, 'The share') ?? 1,
    max_running: optionalNumber(draft.maxRunning, 'How many run at once'),
    rate:
      rate === null
        ? null
        : { executions: rate, per_seconds: numberIn(draft.perSeconds, 'The seconds of the rate') },
    quotas: Object.fromEntries(quotas) as object,
    workflows: former?.workflows ?? {},
    limits: former?.limits ?? {},
  };
}
