import { allow, type Instruction, loadArgument, refuse, whenEqual } from './bpf.js';
import { type FilterArch, type SyscallName, syscallNumber } from './syscall-numbers.js';

export const EPERM = 1;
export const ENOSYS = 38;

/** What to do for one system call; `block` must end with a return. Nothing where the architecture has no such call. */
export function rule(arch: FilterArch, name: SyscallName, block: readonly Instruction[]): Instruction[] {
  const number = syscallNumber(name, arch);
  return number === null ? [] : whenEqual(number, block);
}

/** Allows the call when this argument is one of `values`, and refuses it with EPERM when it is another. */
export const onlyFor = (argument: number, values: readonly number[]): Instruction[] => [
  loadArgument(argument),
  ...values.flatMap((value) => whenEqual(value, [allow])),
  refuse(EPERM),
];

/** Refuses every call of these groups with EPERM. */
export const refuseAll = (
  arch: FilterArch,
  groups: Readonly<Record<string, readonly SyscallName[]>>,
): Instruction[] =>
  Object.values(groups).flatMap((names) => names.flatMap((name) => rule(arch, name, [refuse(EPERM)])));
