import { describe, expect, it } from '@jest/globals';
import { placesIn } from './interrupted-places.js';

const HEADLINE = 'KEYBOARD_INTERRUPT: Script execution was interrupted by `SIGINT`\n';

describe('placesIn', () => {
  it('reads what Node answers, innermost call first, counted from 0', () => {
    const text = `${HEADLINE}    at spin (file:///w/a b.ts:4:18)\n    at file:///w/main.ts:5:16\n    at processTimers (node:internal/timers:618:7)\n\n`;
    expect(placesIn(text)).toEqual([
      { functionName: 'spin', url: 'file:///w/a b.ts', line: 3, column: 17 },
      { functionName: '', url: 'file:///w/main.ts', line: 4, column: 15 },
      { functionName: 'processTimers', url: 'node:internal/timers', line: 617, column: 6 },
    ]);
  });

  it('looks after the headline only', () => {
    expect(placesIn(`    at forged (file:///w/a.ts:1:1)\n`)).toBeNull();
    expect(placesIn(`    at forged (file:///w/a.ts:1:1)\n${HEADLINE}`)).toBeNull();
    expect(placesIn(`noise${HEADLINE}    at a (b:1:1)\n`)).toBeNull();
    expect(placesIn(`noise\n${HEADLINE}    at a (b:1:1)\n`)).toHaveLength(1);
  });
});
