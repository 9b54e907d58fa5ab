import type { IsolationLevel, TemplateLevel } from '../../isolation/isolation-level.js';

const INNER_LAYER = /^--(permission|allow-|no-experimental-sqlite|disable-sigusr1)/;

/** The same level without Node's permission model: what the kernel refuses by itself. Never for code of others. */
export const withoutPermissionModel = (level: IsolationLevel): IsolationLevel => ({
  name: level.name,
  openPlace: () => level.openPlace(),
  confinement: (place) => level.confinement(place),
  runnerPid: (pid) => level.runnerPid(pid),
  runnerEnd: (end) => level.runnerEnd(end),
  command: (place, args) => level.command(place, withoutInnerLayer(args)),
  forTemplate: (parts) => templateWithout(level.forTemplate(parts)),
});

function templateWithout(level: TemplateLevel | null): TemplateLevel | null {
  if (level === null) return null;
  const { door, namespaces, ownUsers, scratchBytes } = level;
  return { ...withoutPermissionModel(level), door, namespaces, ownUsers, scratchBytes };
}

const withoutInnerLayer = (args: readonly string[]): string[] =>
  args.filter((flag) => !INNER_LAYER.test(flag));
