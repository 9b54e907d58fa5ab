import { apply } from '../channel/primordials.js';

/** Names under which people keep secrets. `tokens` is a count more often than a secret. */
const SENSITIVE =
  /passw(?:or)?d|passphrase|passcode|secret|credential|authorization|cookie|(?:api|access|private|signing|encryption)[-_ ]?key|token(?!s)|^pwd$/i;
const execOf = Reflect.getOwnPropertyDescriptor(RegExp.prototype, 'exec')?.value as () => unknown;

/** Whether the value of a variable or property of this name is not to be shown. */
export function isSensitive(name: string, value: unknown): boolean {
  if (typeof value === 'boolean' || value === null || value === undefined) return false;
  return apply(execOf, SENSITIVE, [name]) !== null;
}
