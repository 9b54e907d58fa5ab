import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Makes a database outside its folder; node:sqlite does not ask the permission model.',
  refusal: 'Node: no node:sqlite; namespace: no such folder; process: another user, Landlock.',
  kernel: true,
  quick: true,
  code: ({ outsideFolder }) => `
export default async () => { const { DatabaseSync } = await import('node:sqlite'); new DatabaseSync('${outsideFolder}/made.db').exec('create table made (one)'); };
`,
  reached: ({ target, exists }) => exists(`${target.outsideFolder}/made.db`),
} satisfies Attack;
