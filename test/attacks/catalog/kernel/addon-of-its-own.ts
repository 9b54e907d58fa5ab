import type { Attack } from '../../support/attack.js';

export default {
  mechanism:
    'Writes a native addon into its scratch folder and loads it, by its name and through a changed String.',
  refusal:
    'Node: no addons; with NATIVE_ADDONS the runner, which has Node load files of the package sets only.',
  kernel: false,
  quick: true,
  code: ({ packagesFolder }) => `
import fs from 'node:fs';
export default () => {
  fs.copyFileSync('${packagesFolder}/addon.node', 'own.node');
  const load = () => { const m = { exports: {} }; process.dlopen(m, process.cwd() + '/own.node'); return 'loaded'; };
  try { return load(); } catch {}
  String.prototype.slice = String.prototype.startsWith = () => '${packagesFolder}/';
  fs.realpathSync.native = () => '${packagesFolder}/addon.node';
  return load();
};
`,
  reached: ({ ending }) => ending.value === 'loaded',
} satisfies Attack;
