import { KIND_RULES } from '../../config/kind-rules.js';
import { parseNetworkAllow } from '../../config/network-allow.js';
import { networkOf } from '../../config/network.js';
import type { Settings } from '../../config/settings.js';
import { Dialer } from './dialer.js';
import { NameLookup } from './name-lookup.js';
import type { OutletServices } from './network-outlet.js';
import { storesOf } from './own-endpoints.js';

const MB = 1_048_576;

/** What the settings say of the network that executions have through the worker; null: none can have any. */
export function outletOf(settings: Settings): OutletServices | null {
  if (!KIND_RULES[settings.RUNNER].keepsApart || networkOf(settings) === 'none') return null;
  const allow = parseNetworkAllow(settings.NETWORK_ALLOW);
  return {
    dialer: new Dialer({ allow, stores: storesOf(settings) }, new NameLookup()),
    limits: {
      connections: settings.NETWORK_CONNECTIONS_LIMIT,
      transferBytes: settings.NETWORK_TRANSFER_LIMIT_MB * MB,
      idleMs: settings.NETWORK_IDLE_SECONDS * 1000,
    },
  };
}
