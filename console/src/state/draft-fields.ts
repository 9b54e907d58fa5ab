/** Something in a form that cannot be sent; the message says what to change. */
export class DraftError extends Error {}

/** @throws {DraftError} naming the field */
export function numberIn(text: string, name: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new DraftError(`${name} must be a number`);
}

/** null: the field is empty. @throws {DraftError} naming the field */
export const optionalNumber = (text: string, name: string): number | null =>
  text.trim() === '' ? null : numberIn(text, name);

/** null: the field is empty. @throws {DraftError} saying what is wrong with it */
export function parametersIn(text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DraftError(`The parameters are not JSON: ${(error as Error).message}`);
  }
}
