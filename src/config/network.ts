import { NETWORK_POLICIES, type NetworkPolicy, type RunnerKindName } from '../contract/confinement.js';
import { KIND_RULES } from './kind-rules.js';
import { parseNetworkAllow } from './network-allow.js';
import type { Settings } from './settings.js';

/** The most that user code may have of the network; an execution may ask for less. */
export const networkOf = ({ NETWORK, RUNNER }: Settings): NetworkPolicy =>
  NETWORK ?? KIND_RULES[RUNNER].network;

const MB = 1_048_576;
const SECOND_MS = 1_000;

/** Network through the worker; null: no execution can have that. */
export const outletOf = (settings: Settings) =>
  !KIND_RULES[settings.RUNNER].keepsApart || networkOf(settings) === 'none'
    ? null
    : {
        allow: parseNetworkAllow(settings.NETWORK_ALLOW),
        limits: {
          connections: settings.NETWORK_CONNECTIONS_LIMIT,
          transferBytes: settings.NETWORK_TRANSFER_LIMIT_MB * MB,
          idleMs: settings.NETWORK_IDLE_SECONDS * SECOND_MS,
        },
      };

/** What an execution gets that asks for `asked`, or why it cannot have that. */
export function narrowedNetwork(
  { network: most, runner }: { network: NetworkPolicy; runner: RunnerKindName },
  asked: NetworkPolicy | null | undefined,
): { network: NetworkPolicy } | { refused: string } {
  if (asked == null || asked === most) return { network: most };
  if (NETWORK_POLICIES.indexOf(asked) > NETWORK_POLICIES.indexOf(most))
    return { refused: `is ${asked}; the most that this worker has is ${most} (NETWORK)` };
  if (!KIND_RULES[runner].keepsApart)
    return {
      refused: `is ${asked}; threads of one process share its network, which is ${most} (RUNNER=${runner})`,
    };
  return { network: asked };
}
