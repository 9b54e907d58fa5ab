/** Folder in the scratch folder of an execution: what lies in it at the end comes out. */
export const ARTIFACTS_FOLDER = 'artifacts';

/** File systems allow 255. */
const NAME_LIMIT_BYTES = 200;
/** Letters and digits of every script, and a few signs; neither a path nor hidden. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N} ._()+=@,~-]*$/u;

/** Why this cannot be the name of a file that goes in or comes out; null: it can. */
export function faultOfFileName(name: string): string | null {
  if (!NAME.test(name))
    return 'must begin with a letter, a digit or _, and have only these, blanks and . - ( ) + = @ , ~ in it';
  // Some programs drop them, and two names would be one.
  if (/[ .]$/.test(name)) return 'must not end with a blank or a dot';
  return new TextEncoder().encode(name).length > NAME_LIMIT_BYTES
    ? `must have at most ${NAME_LIMIT_BYTES} bytes`
    : null;
}
