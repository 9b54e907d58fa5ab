import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Loads a native addon that lies among its packages.',
  refusal: 'Node: no addons, unless NATIVE_ADDONS is on. The kernel does not look into what is loaded.',
  kernel: false,
  quick: true,
  allowedWithAddons: true,
  code: ({ packagesFolder }) => `
export default () => { const m = { exports: {} }; process.dlopen(m, '${packagesFolder}/addon.node'); return 'loaded'; };
`,
  reached: ({ ending }) => ending.value === 'loaded',
} satisfies Attack;
