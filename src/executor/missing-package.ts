import type { ModuleReply } from '../boundary/module-protocol.js';
import { FAILURES } from '../contract/failure.js';
import type { PackageFailure } from '../contract/packages.js';

/**
 * The reply to a runner that found no such module, or package, by this name. Where the manifest asks for
 * the package, and this worker could not have it, that is the failure, and not a name that is wrong.
 * @param failed what this worker lacks of the manifest
 */
export function explainMissing(
  reply: ModuleReply,
  specifier: string,
  failed: readonly PackageFailure[],
): ModuleReply {
  if (reply.kind !== 'error' || reply.error.code !== 'MODULE_NOT_FOUND') return reply;
  const failure = failed.find(({ spec }) => nameIn(spec) === packageOf(specifier));
  if (failure === undefined) return reply;
  const { spec, phase, reason } = failure;
  const refused = phase === 'refused';
  const code = refused ? 'PACKAGE_REFUSED' : 'PACKAGE_INSTALL_FAILED';
  const why = `The manifest asks for ${spec}, which ${refused ? 'is refused' : 'could not be installed'}: ${reason}`;
  const error = { code, name: FAILURES[code].errorType, message: `${reply.error.message} ${why}` } as const;
  return { kind: 'error', error };
}

/** `@team/tool` of `@team/tool/lib/a.js`. */
const packageOf = (specifier: string): string =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/** `@team/tool` of `@team/tool@^1`. */
function nameIn(spec: string): string {
  const at = spec.indexOf('@', 1);
  return at < 0 ? spec : spec.slice(0, at);
}
