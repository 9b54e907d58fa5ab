import type { TemplateOptions } from '../../boundary/template-protocol.js';
import type { TemplateLevel } from '../../isolation/isolation-level.js';
import type { RunnerLaunch } from '../process/runner-launch.js';
import type { OtherProgram } from '../process/runner-spawn.js';

const FLAGS = [
  // V8's threads are started anew in each child, and a child has one processor most of the time.
  '--v8-pool-size=1',
  // What the rehearsals had compiled is there for the children, however long ago it ran.
  '--no-flush-bytecode',
];

/** What a template runs, by path: its bundled program, and the native piece. */
export interface TemplateFiles {
  program: string;
  freezer: string;
}

/** What a template runs instead of the program of a runner. */
export function programOf(
  launch: TemplateFiles & Pick<RunnerLaunch, 'network' | 'outlet' | 'maxExecutions'>,
  level: TemplateLevel,
): OtherProgram {
  const options: TemplateOptions = {
    freezer: launch.freezer,
    door: level.door,
    network: launch.network,
    hasOutlet: launch.outlet !== null,
    isReused: launch.maxExecutions !== 1,
    namespaces: level.namespaces,
    ownUsers: level.ownUsers,
  };
  return { file: launch.program, arguments: [JSON.stringify(options)], flags: FLAGS, hasControl: true };
}
