import type { RunnerSettings } from '../../config/slices.js';
import { Dialer } from './dialer.js';
import { NameLookup } from './name-lookup.js';
import type { OutletServices } from './network-outlet.js';
import { storesOf } from './own-endpoints.js';

/** What the settings say of the network that executions have through the worker; null: none can have any. */
export function outletOf(settings: RunnerSettings): OutletServices | null {
  if (settings.outlet === null) return null;
  const { allow, limits } = settings.outlet;
  return {
    dialer: new Dialer({ allow, stores: storesOf(settings) }, new NameLookup()),
    limits,
  };
}
