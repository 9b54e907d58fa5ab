import type { PackageUse } from './package-use.js';
import { DATA } from './uses-data.js';
import { NATIVE, SERVICES } from './uses-services.js';
import { TEXT } from './uses-text.js';

/** Every package that `npm run compat` tries. */
export const ALL_USES: readonly PackageUse[] = [...DATA, ...TEXT, ...SERVICES, ...NATIVE];
