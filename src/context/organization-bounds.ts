import { narrowedNetwork } from '../config/network.js';
import type { ExecutionSettings } from '../config/slices.js';
import { NETWORK_POLICIES, type NetworkPolicy } from '../contract/confinement.js';
import type { Execution } from '../contract/execution.js';
import { Refusal } from '../contract/jobs/refusal.js';
import type { OrganizationLimits } from '../contract/organization.js';

/**
 * The network that an execution gets.
 * @param limits of its organization; null: there are none
 * @throws {Refusal} INVALID_JOB where it asks for more than its organization or the worker has.
 */
export function networkFor(
  settings: Pick<ExecutionSettings, 'network' | 'runner'>,
  asked: NetworkPolicy | null | undefined,
  limits: OrganizationLimits | null,
): NetworkPolicy {
  const most = networkWithin(limits);
  if (most !== null && asked != null && lesser(asked, most) !== asked)
    throw refused(`is ${asked}; the most that its organization has is ${most}`);
  const found = narrowedNetwork(settings, most === null ? asked : lesser(asked ?? settings.network, most));
  if ('network' in found) return found.network;
  throw refused(found.refused);
}

const refused = (why: string): Refusal => new Refusal('INVALID_JOB', `network ${why}`, 'network');

/** The most network of an organization; one whose hosts are limited can have no other than that of the worker. null: no limit. */
function networkWithin(limits: OrganizationLimits | null): NetworkPolicy | null {
  const named = limits?.network ?? null;
  return limits?.network_allow == null ? named : lesser(named ?? 'proxy', 'proxy');
}

const lesser = (a: NetworkPolicy, b: NetworkPolicy): NetworkPolicy =>
  NETWORK_POLICIES.indexOf(a) < NETWORK_POLICIES.indexOf(b) ? a : b;

/** What the executor needs of the limits of an organization. */
export function boundsOf(limits: OrganizationLimits | null): Pick<Execution, 'bounds'> {
  if (limits === null) return {};
  const { memory_mb, output_bytes, network_allow, native_addons } = limits;
  const isNarrower = [memory_mb, output_bytes, network_allow].some((limit) => limit != null);
  if (!isNarrower && native_addons !== false) return {};
  return {
    bounds: {
      memoryMb: memory_mb ?? null,
      outputBytes: output_bytes ?? null,
      networkAllow: network_allow ?? null,
      withoutAddons: native_addons === false,
    },
  };
}
